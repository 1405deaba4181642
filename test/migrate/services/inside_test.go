package services_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"gantry/internal/kafkatest"
)

// dynamic and static are old services in the test itself, which save a JVM where it does not
// matter whose client the old service has. The static one stays in its group when it stops.
func dynamic() kind { return kind{name: "dynamic", inside: true} }

func static() kind {
	return kind{name: "static", inside: true, settings: map[string]string{"group.instance.id": "billing-1"}}
}

// inside writes for each record what the other old services do, and commits after each poll.
type inside struct {
	mu     sync.Mutex // held to start and to stop
	client *kgo.Client
	cancel context.CancelFunc
	ended  chan struct{}
}

func (i *inside) start(o *old) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.client != nil {
		return
	}
	opts := append(o.c.SASLOptions(kafkatest.Login{}),
		kgo.ConsumerGroup(o.group), kgo.ConsumeTopics(o.topic), kgo.ClientID("billing"), kgo.DisableAutoCommit(), kgo.BlockRebalanceOnPoll(),
		kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()), kgo.HeartbeatInterval(500*time.Millisecond), kgo.ProducerLinger(0),
		kgo.FetchMaxWait(100*time.Millisecond), kgo.MetadataMinAge(100*time.Millisecond),
	)
	if id := o.kind.settings["group.instance.id"]; id != "" {
		opts = append(opts, kgo.InstanceID(id))
	}
	client, err := kgo.NewClient(opts...)
	if !assert.NoError(o.t, err) { // a supervisor is no goroutine of the test
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	i.client, i.cancel, i.ended = client, cancel, make(chan struct{})
	go work(ctx, o, client, i.ended)
	o.t.Cleanup(i.stop)
}

func work(ctx context.Context, o *old, client *kgo.Client, ended chan struct{}) {
	defer close(ended)
	defer leave(client)
	for ctx.Err() == nil {
		fetches := client.PollFetches(ctx)
		var in, out []*kgo.Record
		fetches.EachRecord(func(r *kgo.Record) {
			in = append(in, r)
			out = append(out, &kgo.Record{Topic: o.outputs, Key: r.Key, Value: fmt.Appendf(nil, `{"by":"old","from":"%d/%d"}`, r.Partition, r.Offset)})
		})
		if len(out) > 0 {
			if err := client.ProduceSync(context.Background(), out...).FirstErr(); !assert.NoError(o.t, err) {
				return
			}
			commit, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			_ = client.CommitRecords(commit, in...) // refused: it goes on, as services do
			cancel()
		}
		if fetches.Err() != nil {
			pause(ctx, 50*time.Millisecond)
		}
		client.AllowRebalance()
	}
}

// leave ends a client. A member that was removed while it waited for its partitions may never
// get an answer, and its last word would wait behind that.
func leave(client *kgo.Client) {
	client.AllowRebalance()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_ = client.LeaveGroupContext(ctx) // refused behind a fence
	client.Close()
}

// stop ends it: what it was given is committed. A static member stays in its group.
func (i *inside) stop() {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.client == nil {
		return
	}
	i.cancel()
	<-i.ended
	i.client = nil
}

// pause waits, and says whether ctx is still on.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

// said is what a protocol told people.
type said struct {
	mu    sync.Mutex
	texts []string
}

func (s *said) add(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.texts = append(s.texts, text)
}

func (s *said) has(part string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Contains(strings.Join(s.texts, "\n"), part)
}

// again does something each time a while is over, until the func it gives is called.
func (w *world) again(every time.Duration, do func()) (end func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for pause(ctx, every) {
			do()
		}
	}()
	end = sync.OnceFunc(func() { cancel(); <-ended })
	w.t.Cleanup(end)
	return end
}

// staysIn waits until a group is Stable and has members.
func (w *world) staysIn(group string) {
	w.t.Helper()
	g, err := w.admin.GroupState(w.t.Context(), group)
	require.NoError(w.t, err)
	require.Equal(w.t, "Stable", g.State)
	require.NotEmpty(w.t, g.Members)
}
