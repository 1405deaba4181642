package kafkatest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// startPatience covers a cold start on a machine that does much else.
const startPatience = 90 * time.Second

// broker is one node of a Cluster: broker and controller in one Java process.
type broker struct {
	id    int
	dir   string
	ports ports
	proc  *process
}

func (b *broker) dataDir() string { return filepath.Join(b.dir, "data") }
func (b *broker) log() string     { return filepath.Join(b.dir, "log") }

func (b *broker) address(o Options) string { return fmt.Sprintf("%s:%d", o.name(), b.ports.plain) }

func (b *broker) running() bool { return b.proc != nil && b.proc.running() }

// run starts the Java process and does not wait for it.
func (b *broker) run(d *distribution, o Options) error {
	cp, err := d.classpath()
	if err != nil {
		return err
	}
	args := []string{
		"-Xms64m", "-Xmx384m",
		// Half the processor time of a start is the second compiler's, and a test's
		// broker rarely lives long enough to earn it back.
		"-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto",
		"-Djava.awt.headless=true",
		"-Dlog4j.configuration=file:" + filepath.Join(b.dir, "log4j.properties"),
		"-Dorg.slf4j.simpleLogger.defaultLogLevel=info",
		"-Dorg.slf4j.simpleLogger.showDateTime=true",
		"-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS",
		"-Dorg.slf4j.simpleLogger.showThreadName=false",
		"-Dorg.slf4j.simpleLogger.showShortLogName=true",
	}
	if _, err := os.Stat(d.classes()); err == nil {
		args = append(args, "-XX:SharedArchiveFile="+d.classes())
	}
	if o.Classes != "" {
		cp += string(os.PathListSeparator) + o.Classes
	}
	args = append(append(args, o.JVM...), "-cp", cp, "kafka.Kafka", filepath.Join(b.dir, "server.properties"))
	program, args := o.command(d.java, args)
	b.proc, err = startProcess(exec.Command(program, args...), b.log())
	if err != nil {
		return fmt.Errorf("start broker %d: %w", b.id, err)
	}
	return nil
}

// log4j is for Kafka 3.x; 4.x takes the system properties of slf4j-simple.
const log4j = `log4j.rootLogger=INFO, out
log4j.appender.out=org.apache.log4j.ConsoleAppender
log4j.appender.out.layout=org.apache.log4j.PatternLayout
log4j.appender.out.layout.ConversionPattern=%d{ISO8601} %p %m (%c{1})%n
`

// write lays out the broker's directory.
func (b *broker) write(d *distribution, server properties) error {
	if err := os.MkdirAll(b.dir, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(b.dir, "log4j.properties"), []byte(log4j), 0o644); err != nil {
		return err
	}
	if err := server.write(filepath.Join(b.dir, "server.properties")); err != nil {
		return err
	}
	return d.copyFormatted(b.dataDir(), b.id)
}

// answers waits until the broker serves clients and the cluster counts it in.
func (b *broker) answers(ctx context.Context, o Options) error {
	opts := []kgo.Opt{kgo.SeedBrokers(b.address(o)), kgo.RequestRetries(0)}
	if o.Machine == nil {
		opts = append(opts, kgo.DialTimeout(time.Second))
	}
	for {
		err := b.counted(ctx, append(opts, o.dialer()...))
		if err == nil {
			return nil
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-b.proc.done:
			return fmt.Errorf("broker %d ended while starting; its log ends:\n%s", b.id, b.lastLines(25))
		case <-ctx.Done():
			return fmt.Errorf("broker %d does not serve clients (%w); its log ends:\n%s", b.id, err, b.lastLines(25))
		}
	}
}

// counted asks the broker itself, with a new client each time: one that has heard of other
// brokers asks any of them from then on.
func (b *broker) counted(ctx context.Context, opts []kgo.Opt) error {
	cl, err := kgo.NewClient(opts...)
	if err != nil {
		return err
	}
	defer cl.Close()
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	m, err := kadm.NewClient(cl).BrokerMetadata(ctx)
	if err != nil {
		return err
	}
	for _, n := range m.Brokers {
		if int(n.NodeID) == b.id {
			return nil
		}
	}
	return fmt.Errorf("the cluster has %d brokers and not yet this one", len(m.Brokers))
}

func (b *broker) lastLines(n int) []byte {
	text, err := os.ReadFile(b.log())
	if err != nil {
		return []byte(err.Error())
	}
	return tail(text, n)
}
