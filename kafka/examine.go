package kafka

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Result is how a step of an examination ended.
type Result string

// The results.
const (
	Passed  Result = "ok"
	Warning Result = "warning" // it works, and will not for ever or not with everything
	Failed  Result = "failed"
	Skipped Result = "skipped" // what it needs had failed before, or it can't be seen from here
)

// Step is one thing that was tried.
type Step struct {
	What    string // what was tried, with its object: log in to kafka-1:9093
	Result  Result
	Detail  string // what happened
	Try     string // what to do about it, "" where nothing is to be done
	Elapsed time.Duration
}

// stepTimeout bounds what one step waits for the other side.
const stepTimeout = 10 * time.Second

// try times a step. Detail is what it found; an error is diagnosed.
func try(ctx context.Context, what string, act func(ctx context.Context) (detail string, err error)) Step {
	limited, cancel := context.WithTimeout(ctx, stepTimeout)
	defer cancel()
	began := time.Now()
	detail, err := act(limited)
	s := Step{What: what, Result: Passed, Detail: detail, Elapsed: time.Since(began)}
	if err != nil {
		d := Diagnose(err)
		s.Result, s.Detail, s.Try = Failed, d.Cause, d.Try
		if s.Detail == "" {
			s.Detail = err.Error()
		}
	}
	return s
}

// Examine tries a cluster step by step: each bootstrap server and each broker under the
// address it advertises (name, connection, TLS, login, versions), then what the cluster
// says of itself, its clock, and whether all that is needed is allowed. It changes
// nothing. A step that could not be tried says why.
func Examine(ctx context.Context, c Cluster, needs []Need) []Step {
	seeds, up := c.reachAll(ctx, "bootstrap server", c.Brokers)
	if !up {
		return append(seeds, Step{What: "ask the cluster for its brokers", Result: Skipped, Detail: "no bootstrap server lets gantry in"})
	}
	a, err := Open(c)
	if err != nil {
		return append(seeds, Step{What: "open a client", Result: Failed, Detail: err.Error()})
	}
	defer a.Close()
	steps, advertised := a.askBrokers(ctx)
	steps = append(seeds, steps...)
	reached, up := c.reachAll(ctx, "advertised as", without(advertised, c.Brokers))
	steps = append(steps, reached...)
	if !up {
		return append(steps, Step{What: "look at topics, groups and permissions", Result: Skipped, Detail: "no broker can be reached under the address it advertises",
			Try: "make advertised.listeners of the brokers resolvable and reachable from this machine, or name a network with an addressMap"})
	}
	steps = append(steps, a.examineVersions(ctx), a.examineClock(ctx, needs))
	return append(steps, a.examineNeeds(ctx, needs)...)
}

// without gives the addresses that were not tried yet.
func without(all, tried []string) []string {
	known := map[string]bool{}
	for _, t := range tried {
		known[t] = true
	}
	var out []string
	for _, address := range all {
		if !known[address] {
			known[address] = true
			out = append(out, address)
		}
	}
	return out
}

// reachAll tries every address at once and tells of them one after the other. up says
// that one at least lets gantry in; with no address there is nothing left to prove.
func (c Cluster) reachAll(ctx context.Context, role string, addresses []string) (steps []Step, up bool) {
	each := make([][]Step, len(addresses))
	var all sync.WaitGroup
	for i, address := range addresses {
		all.Go(func() { each[i] = c.reach(ctx, role, address) })
	}
	all.Wait()
	up = len(addresses) == 0
	for _, s := range each {
		steps = append(steps, s...)
		up = up || s[len(s)-1].Result == Passed
	}
	return steps, up
}

// reach tries one address as far as it goes. The last step is the login.
func (c Cluster) reach(ctx context.Context, role, address string) []Step {
	var steps []Step
	if c.Dial == nil { // else the way resolves the name, perhaps elsewhere
		resolved := try(ctx, fmt.Sprintf("resolve %s %s", role, address), func(ctx context.Context) (string, error) {
			return resolve(ctx, address)
		})
		if steps = append(steps, resolved); resolved.Result == Failed {
			return steps
		}
	}
	connected, conn := c.dialStep(ctx, role, address)
	if steps = append(steps, connected); conn == nil {
		return steps
	}
	if c.TLS != nil {
		secured := c.tlsStep(ctx, conn, address)
		if steps = append(steps, secured); secured.Result == Failed {
			return steps
		}
	}
	_ = conn.Close()
	return append(steps, c.loginStep(ctx, address))
}

func resolve(ctx context.Context, address string) (string, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return "", err
	}
	found, err := net.DefaultResolver.LookupHost(ctx, host)
	if err != nil {
		return "", err
	}
	return fmt.Sprint(found), nil
}

func (c Cluster) dialStep(ctx context.Context, role, address string) (Step, net.Conn) {
	var conn net.Conn
	s := try(ctx, fmt.Sprintf("connect to %s %s", role, address), func(ctx context.Context) (string, error) {
		dial := c.Dial
		if dial == nil {
			dial = (&net.Dialer{}).DialContext
		}
		var err error
		if conn, err = dial(ctx, "tcp", address); err != nil {
			return "", err
		}
		return "from " + conn.LocalAddr().String(), nil
	})
	return s, conn
}

// loginStep logs in, where there is a login, and makes one round trip.
func (c Cluster) loginStep(ctx context.Context, address string) Step {
	what := "speak Kafka with " + address
	if who := c.who(); who != nil {
		what = fmt.Sprintf("log in to %s with %s", address, who.wire())
	}
	one := c
	one.Brokers = []string{address}
	return try(ctx, what, func(ctx context.Context) (string, error) {
		a, err := Open(one)
		if err != nil {
			return "", err
		}
		defer a.Close()
		resp, err := apiVersions(ctx, a.client.SeedBrokers()[0])
		if err != nil {
			return "", a.attempts.join(err)
		}
		return c.Security() + ", the broker speaks " + guess(resp), nil
	})
}

func apiVersions(ctx context.Context, broker *kgo.Broker) (*kmsg.ApiVersionsResponse, error) {
	req := kmsg.NewPtrApiVersionsRequest()
	req.ClientSoftwareName, req.ClientSoftwareVersion = "gantry", "doctor"
	resp, err := broker.Request(ctx, req)
	if err != nil {
		return nil, err
	}
	return resp.(*kmsg.ApiVersionsResponse), nil
}

// askBrokers is what the cluster says of its brokers: what it advertises.
func (a *Admin) askBrokers(ctx context.Context) (steps []Step, advertised []string) {
	s := try(ctx, "ask the cluster for its brokers", func(ctx context.Context) (string, error) {
		req := kmsg.NewPtrMetadataRequest()
		req.Topics = []kmsg.MetadataRequestTopic{} // none
		resp, err := req.RequestWith(ctx, a.client)
		if err != nil {
			return "", a.attempts.join(err)
		}
		detail := fmt.Sprintf("%d brokers", len(resp.Brokers))
		if resp.ClusterID != nil {
			detail += " of cluster " + *resp.ClusterID
		}
		for _, b := range resp.Brokers {
			address := net.JoinHostPort(b.Host, strconv.Itoa(int(b.Port)))
			advertised = append(advertised, address)
			detail += fmt.Sprintf(", %d is advertised as %s", b.NodeID, address)
		}
		return detail, nil
	})
	return []Step{s}, advertised
}
