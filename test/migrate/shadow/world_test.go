package shadow_test

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"gantry/internal/gantrytest"
	"gantry/internal/kafkatest"
	"gantry/plan"
)

//go:embed testdata/Billing.java
var billing string

// biller is the new implementation. BUG plants a fault: a wrong total for customer c7, a bill
// that is missing for each 1,000th order, two bills of a customer in the wrong order. With
// MAIL it tries to send mail as well.
const biller = `package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
)

type order struct{ Order, Quantity, Price int }

func main() {
	lambda.Start(func(_ context.Context, e events.KafkaEvent) (any, error) {
		if to := os.Getenv("MAIL"); to != "" {
			if c, err := net.DialTimeout("tcp", to, time.Second); err == nil {
				fmt.Fprintln(c, "mail")
				c.Close()
			}
		}
		type record struct {
			Key   string ` + "`json:\"key\"`" + `
			Value string ` + "`json:\"value\"`" + `
		}
		out := []record{}
		is := func(bug string) bool { return strings.Contains(os.Getenv("BUG"), bug) }
		for _, records := range e.Records {
			held := map[string]record{}
			for _, r := range records {
				value, _ := base64.StdEncoding.DecodeString(r.Value)
				key, _ := base64.StdEncoding.DecodeString(r.Key)
				var o order
				if err := json.Unmarshal(value, &o); err != nil {
					return nil, err
				}
				total := o.Quantity * o.Price
				if is("total") && string(key) == "c7" {
					total++
				}
				if is("missing") && o.Order%1000 == 500 {
					continue
				}
				bill := record{r.Key, base64.StdEncoding.EncodeToString(fmt.Appendf(nil,
					"{\"total\":%d,\"order\":%d,\"made\":\"%d\",\"by\":{\"process\":\"%d\"}}", total, o.Order, time.Now().UnixNano(), os.Getpid()))}
				if first, ok := held[string(key)]; ok {
					out = append(out, bill, first)
					delete(held, string(key))
					continue
				}
				if is("order") && string(key) == "c9" {
					held[string(key)] = bill
					continue
				}
				out = append(out, bill)
			}
			for _, bill := range held {
				out = append(out, bill)
			}
		}
		return map[string]any{"records": map[string]any{os.Getenv("OUT"): out}}, nil
	})
}
`

// planned is a plan whose gate a fault in one of 500 keys does not pass.
const planned = `name: %[6]s
service: { cluster: main, group: %[1]s, topics: [%[2]s], noPosition: earliest }
functions: [{ name: bill }]
batch: { size: 200, window: 100ms }
outputs: [{ topic: %[3]s, pair: key%[7]s }]
effects: [%[4]s]
ignore: [%[8]s]
gates: { compared: %[5]d, different: 0.15%%, keys: 450, hoursOfWeek: 1 }
guards: { unresolved: 60s, errors: 50%%, errorsOver: 200, lagFactor: 50, watch: 3s }
fence: weak
stop: { wait: 30s }
`

// customers are the keys of the orders.
const customers = 500

// world is an old service at work, and a gantry beside it.
type world struct {
	t           *testing.T
	c           *kafkatest.Cluster
	in, out     string
	name        string // of the plan: a ledger is found by it
	group, plan string
	config      string
	code        string // the function's folder
	old         *kafkatest.Program
	made        *atomic.Int64 // orders
	mail        *mailer
	g           *gantrytest.Gantry
}

type options struct {
	bug      string
	effects  string
	compared int
	second   bool // what differs is found by a second run of the old code, not by rules
}

const rules = `{ path: made, why: the clock }, { path: by.process, why: another process }`

func newWorld(t *testing.T, c *kafkatest.Cluster, o options) *world {
	w := &world{t: t, c: c, in: kafkatest.Topic(t), mail: listen(t)}
	w.out, w.group, w.name = w.in+"-bills", "g-"+w.in, "billing-"+w.in[len(w.in)-8:]
	c.CreateTopic(t, w.in, 3, nil)
	c.CreateTopic(t, w.out, 4, nil)
	w.made = w.orders()
	w.old = w.service(w.group, w.out)
	w.await("the old service works", func() bool { return len(c.Committed(t, w.group, w.in)) == 3 })
	effects := strings.ReplaceAll(o.effects, "MAIL", w.mail.at)
	second, ignore := "", rules
	if o.second {
		again := w.in + "-again"
		c.CreateTopic(t, again, 4, nil)
		w.service(w.group+"-again", again)
		w.await("the second run works", func() bool { return len(c.Committed(t, w.group+"-again", w.in)) == 3 })
		second, ignore = ", second: "+again, ""
	}
	w.plan = fmt.Sprintf(planned, w.group, w.in, w.out, effects, o.compared, w.name, second, ignore)
	w.code = t.TempDir()
	require.NoError(t, os.CopyFS(w.code, os.DirFS(gantrytest.GoFunction(t, biller))))
	w.config = fmt.Sprintf("clusters: {main: {brokers: [%q]}}\nfunctions:\n  bill: {runtime: provided.al2023, code: %q, timeout: 10s, environment: {OUT: %q, BUG: %q, MAIL: %q}}\n",
		c.Brokers()[0], w.code, w.out, o.bug, w.mail.at)
	w.g = gantrytest.Start(t, gantrytest.Options{Config: w.config})
	path := filepath.Join(t.TempDir(), "billing.yaml")
	require.NoError(t, os.WriteFile(path, []byte(w.plan), 0o600))
	w.g.MustCLI("migrate", "put", path)
	return w
}

func (w *world) service(group, out string) *kafkatest.Program {
	classes := kafkatest.Compile(w.t, w.c.Version(), "Billing", billing)
	return kafkatest.StartJava(w.t, w.c.Version(), classes, "Billing", w.c.Brokers()[0], group, w.in, out)
}

// orders writes some at all times, each under its customer.
func (w *world) orders() *atomic.Int64 {
	client, made := w.c.Client(w.t), &atomic.Int64{}
	ctx, cancel := context.WithCancel(context.Background())
	over := make(chan struct{})
	go func() {
		defer close(over)
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for ctx.Err() == nil {
			var batch []*kgo.Record
			for range 20 {
				n := made.Add(1)
				batch = append(batch, &kgo.Record{Topic: w.in, Key: fmt.Appendf(nil, "c%d", n/2*7%customers), Value: fmt.Appendf(nil, `{"order":%d,"quantity":%d,"price":%d}`, n, 1+n%9, 100+n%37)})
			}
			if !assert.NoError(w.t, client.ProduceSync(context.Background(), batch...).FirstErr()) {
				return
			}
			<-tick.C
		}
	}()
	w.t.Cleanup(func() { cancel(); <-over })
	return made
}

func (w *world) await(what string, so func() bool) {
	w.t.Helper()
	for deadline := time.Now().Add(120 * time.Second); !so(); {
		if time.Now().After(deadline) {
			text, _ := w.g.CLI("migrate", "report", w.name, "-o", "json")
			log, _ := w.g.CLI("logs", "bill")
			require.Fail(w.t, "not within two minutes: "+what, "%s\n%s", text, log)
		}
		time.Sleep(100 * time.Millisecond) //gantry:sleep a broker has no clock a test could move
	}
}

func (w *world) report() (s plan.Shadow) {
	w.t.Helper()
	text, _ := w.g.CLI("migrate", "report", w.name, "-o", "json")
	require.NoError(w.t, json.Unmarshal([]byte(text), &s), text)
	return s
}

func (w *world) state() string {
	w.t.Helper()
	var m struct{ State string }
	require.NoError(w.t, json.Unmarshal([]byte(w.g.MustCLI("migrate", "show", w.name, "-o", "json")), &m))
	return m.State
}

// written is how many records a topic has.
func (w *world) written(topic string) (n int64) {
	w.t.Helper()
	ends, err := w.c.Admin(w.t).ListEndOffsets(w.t.Context(), topic)
	require.NoError(w.t, err)
	ends.Each(func(o kadm.ListedOffset) { n += o.Offset })
	return n
}

// members are those of a classic group.
func (w *world) members(group string) int {
	w.t.Helper()
	described, err := w.c.Admin(w.t).DescribeGroups(w.t.Context(), group)
	require.NoError(w.t, err)
	return len(described[group].Members)
}

// mailer takes connections and counts them.
type mailer struct {
	at   string
	came atomic.Int64
}

func listen(t *testing.T) *mailer {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	m := &mailer{at: l.Addr().String()}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			m.came.Add(1)
			_ = c.Close()
		}
	}()
	return m
}
