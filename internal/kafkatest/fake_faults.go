package kafkatest

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// FailCommits answers the next n commits of a group (-1: until Remove) with err.
// The broker keeps nothing of them, except with kerr.RequestTimedOut: that one is
// applied and still answered with the error. Transactional commits are meant as well.
func (f *Fake) FailCommits(group string, n int, err *kerr.Error) *kfake.FaultHandle {
	keys := []kmsg.Key{kmsg.OffsetCommit, kmsg.TxnOffsetCommit}
	return f.Fault(kfake.Fault{Keys: keys, Group: group, Count: n, Err: err})
}

// FailFetches answers the next n fetches that carry a topic (-1: until Remove) with
// err on each of its partitions, or on the given ones.
func (f *Fake) FailFetches(topic string, n int, err *kerr.Error, partitions ...int32) *kfake.FaultHandle {
	keys := []kmsg.Key{kmsg.Fetch}
	return f.Fault(kfake.Fault{Keys: keys, Topic: topic, Partitions: partitions, Count: n, Err: err})
}

// FailProduces answers the next n produce requests that carry a topic (-1: until
// Remove) with err.
func (f *Fake) FailProduces(topic string, n int, err *kerr.Error) *kfake.FaultHandle {
	return f.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: topic, Count: n, Err: err})
}

// Hold stops the broker in front of every request of a kind until release is called;
// then they are served as if they had just come. Requests of one connection are
// answered in order, and kgo sends heartbeats and commits through the same one: a
// held commit holds the heartbeats behind it, as on a real broker.
func (f *Fake) Hold(key kmsg.Key) (release func()) {
	released := make(chan struct{})
	f.ControlKey(key.Int16(), func(kmsg.Request) (kmsg.Response, error, bool) {
		select {
		case <-released:
			f.DropControl()
		default:
			f.KeepControl()
			f.SleepControl(func() { <-released })
		}
		return nil, nil, false
	})
	return sync.OnceFunc(func() { close(released) })
}

// Slow makes every request of a kind wait for d before it is served, until stop is
// called.
func (f *Fake) Slow(key kmsg.Key, d time.Duration) (stop func()) {
	stopped := make(chan struct{})
	f.ControlKey(key.Int16(), func(kmsg.Request) (kmsg.Response, error, bool) {
		select {
		case <-stopped:
			f.DropControl()
		default:
			f.KeepControl()
			f.SleepControl(func() { time.Sleep(d) })
		}
		return nil, nil, false
	})
	return sync.OnceFunc(func() { close(stopped) })
}

// LoseAnswers serves the next n requests of a kind but resets every connection of
// every host before the answer arrives: the client cannot know whether it was applied.
func (f *Fake) LoseAnswers(key kmsg.Key, n int) {
	f.ControlKey(key.Int16(), func(kmsg.Request) (kmsg.Response, error, bool) {
		if n--; n > 0 {
			f.KeepControl()
		} else {
			f.DropControl()
		}
		f.hosts.drop()
		return nil, nil, false
	})
}

// Rejoin tells the members of a group once that a rebalance is under way, each with
// its next heartbeat: all join again.
func (f *Fake) Rejoin(t testing.TB, group string) {
	t.Helper()
	members := f.members(t, group)
	f.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Heartbeat}, Group: group, Count: len(members), Err: kerr.RebalanceInProgress})
}

// Join makes a further member join the group, on a machine of its own, with the
// protocol the options name. It polls and throws away, and commits nothing. leave
// makes it go; without it, it goes when t ends.
func (f *Fake) Join(t testing.TB, group, topic string, opts ...kgo.Opt) (leave func()) {
	t.Helper()
	cl := f.NewHost().Client(t, append([]kgo.Opt{
		kgo.ConsumerGroup(group),
		kgo.ConsumeTopics(topic),
		kgo.DisableAutoCommit(),
	}, opts...)...)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			cl.PollFetches(ctx)
		}
	}()
	leave = sync.OnceFunc(func() { cancel(); <-done; cl.LeaveGroup() })
	t.Cleanup(leave)
	return leave
}

func (f *Fake) members(t testing.TB, group string) []kfake.GroupMember {
	t.Helper()
	g := f.GroupInfo(group)
	if g == nil || len(g.Members) == 0 {
		t.Fatalf("group %q has no members", group)
	}
	return g.Members
}

// Recreate deletes a topic and creates it again under the same name with a new topic
// id. Its commits are dropped from every group, as Kafka does.
func (f *Fake) Recreate(t testing.TB, topic string, partitions int32) {
	t.Helper()
	if err := f.DeleteTopic(topic); err != nil {
		t.Fatalf("delete topic %q: %v", topic, err)
	}
	if err := f.CreateTopic(topic, partitions, nil); err != nil {
		t.Fatalf("create topic %q again: %v", topic, err)
	}
}

// Committed gives the offset a group has committed for each partition of a topic;
// partitions without a commit are missing.
func (f *Fake) Committed(group, topic string) map[int32]int64 {
	out := map[int32]int64{}
	if g := f.GroupInfo(group); g != nil {
		for p, c := range g.Commits[topic] {
			out[p] = c.Offset
		}
	}
	return out
}
