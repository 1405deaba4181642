package kafkatest

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Options say what kind of cluster a test wants. The zero value is one broker of the
// Latest version that lets everybody do everything.
type Options struct {
	Version    string            // one of Supported
	Brokers    int               // 1 or 3
	ACLs       bool              // the listeners SASL and MTLS allow only what Allow gave
	Properties map[string]string // added to server.properties of each broker, they win
	Listeners  []Listener        // further doors
	Classes    string            // a folder of Java classes the brokers find behind their own
	JVM        []string          // added to Java's options, they win (-Xmx1g, -XX:TieredStopAtLevel=4)
	Machine    *Machine          // nil = this one, on loopback
	Tap        *Tap              // before the brokers of TapBrokers; nil = none
}

// Cluster is a real Apache Kafka on loopback, in KRaft mode. Each broker has three
// doors: plaintext, where nobody is asked for a name and all is allowed; SASL_SSL with
// SCRAM-SHA-256, SCRAM-SHA-512 and PLAIN; and TLS that demands a client's certificate.
type Cluster struct {
	TLS *Certificates

	operations
	options Options
	dist    *distribution
	dir     string
	brokers []*broker
	client  *kgo.Client
}

// Start runs a cluster for one test and ends it with the test. It skips the test where
// there is no real Kafka to be had (see Need).
func Start(t testing.TB, o Options) *Cluster {
	t.Helper()
	if o.Version == "" {
		o.Version = Latest
	}
	d := need(t, o.Version)
	c, err := launch(d, t.TempDir(), o)
	if err != nil {
		t.Fatalf("start Kafka %s: %v", o.Version, err)
	}
	t.Cleanup(func() {
		c.Stop()
		if t.Failed() {
			c.explain(t)
		}
	})
	return c
}

// launch tries other ports when a broker ends early: another process may take a port
// between its choice and its use.
func launch(d *distribution, dir string, o Options) (*Cluster, error) {
	var errs []error
	for attempt := range 3 {
		c, err := launchOnce(d, filepath.Join(dir, fmt.Sprintf("try-%d", attempt+1)), o)
		if err == nil {
			return c, nil
		}
		errs = append(errs, err)
		if !strings.Contains(err.Error(), "BindException") {
			break
		}
	}
	return nil, errors.Join(errs...)
}

func launchOnce(d *distribution, dir string, o Options) (*Cluster, error) {
	c := &Cluster{options: o, dist: d, dir: dir}
	if err := c.layOut(max(1, o.Brokers)); err != nil {
		return nil, err
	}
	for _, b := range c.brokers {
		if err := b.run(d, o); err != nil {
			c.Stop()
			return nil, err
		}
	}
	if err := c.settle(); err != nil {
		c.Stop()
		return nil, err
	}
	cl, err := kgo.NewClient(append(c.Options(), impatient())...)
	if err != nil {
		c.Stop()
		return nil, err
	}
	c.client, c.operations = cl, operate(cl)
	return c, nil
}

func (c *Cluster) layOut(brokers int) error {
	var err error
	if c.TLS, err = makeCertificates(filepath.Join(c.dir, "tls"), c.options.name()); err != nil {
		return err
	}
	for id := 1; id <= brokers; id++ {
		b := &broker{id: id, dir: filepath.Join(c.dir, fmt.Sprintf("broker-%d", id))}
		if b.ports, err = pickPorts(c.options.Listeners); err != nil {
			return err
		}
		c.brokers = append(c.brokers, b)
	}
	for _, b := range c.brokers { // each file names the ports of all
		if err := b.write(c.dist, c.serverProperties(b)); err != nil {
			return err
		}
		if tap := c.options.Tap; tap != nil {
			if err := tap.open(fmt.Sprintf("127.0.0.1:%d", b.ports.tap), fmt.Sprintf("127.0.0.1:%d", b.ports.tapped)); err != nil {
				return err
			}
		}
	}
	return nil
}

// Stop kills every broker; the data dies with the cluster. Twice is harmless.
func (c *Cluster) Stop() {
	if c.client != nil {
		c.client.Close()
	}
	for _, b := range c.brokers {
		if b.proc != nil {
			b.proc.kill()
		}
		b.ports.release()
	}
	if c.options.Tap != nil {
		c.options.Tap.close()
	}
}

// KillBroker ends a broker as kill -9 or a power cut does. Brokers count from 1.
func (c *Cluster) KillBroker(i int) { c.brokers[i-1].proc.kill() }

// StopBroker ends a broker in an orderly way (SIGTERM): it hands its partitions over.
func (c *Cluster) StopBroker(t testing.TB, i int) {
	t.Helper()
	if err := c.brokers[i-1].proc.stop(30 * time.Second); err != nil {
		t.Fatalf("stop broker %d: %v", i, err)
	}
}

// StartBroker starts a broker again on its data and its ports and returns when it
// serves clients.
func (c *Cluster) StartBroker(t testing.TB, i int) {
	t.Helper()
	b := c.brokers[i-1]
	if b.running() {
		t.Fatalf("start broker %d: it is running (pid %d)", i, c.Pid(i))
	}
	ctx, cancel := context.WithTimeout(context.Background(), startPatience)
	defer cancel()
	err := b.run(c.dist, c.options)
	if err == nil {
		err = b.answers(ctx, c.options)
	}
	if err != nil {
		t.Fatalf("start broker %d again: %v", i, err)
	}
}

// Pid gives the process id of a broker's latest start.
func (c *Cluster) Pid(i int) int { return c.brokers[i-1].proc.cmd.Process.Pid }

// Log gives the path of a broker's log.
func (c *Cluster) Log(i int) string { return c.brokers[i-1].log() }

// Version gives the Kafka version of the brokers.
func (c *Cluster) Version() string { return c.dist.version }

// explain shows why, while the logs still exist.
func (c *Cluster) explain(t testing.TB) {
	t.Helper()
	for _, b := range c.brokers {
		t.Logf("log of broker %d (Kafka %s) ends:\n%s", b.id, c.dist.version, b.lastLines(20))
	}
}
