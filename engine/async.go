package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"gantry/engine/async"
	"gantry/function"
	"gantry/kafka"
	"gantry/mapping"
)

// Accept keeps an event that its caller does not wait for: when it returns without an
// error the event is on the disk and will be invoked. async.ErrFull when too many wait.
func (e *Engine) Accept(ctx context.Context, name string, ev async.Event) error {
	return e.async.Accept(ctx, name, ev)
}

// DropEvents forgets what waits for a function that is gone.
func (e *Engine) DropEvents(ctx context.Context, name string) error { return e.async.Drop(ctx, name) }

// Asynchronous lists what waits for functions, by function.
func (e *Engine) Asynchronous() []async.Stats { return e.async.Stats() }

// Declared implements async.Functions.
func (f *functions) Declared(ctx context.Context, name string) (function.Function, error) {
	fn, _, err := f.docs.Get(ctx, name)
	return fn, err
}

// Await implements async.Functions.
func (f *functions) Await(ctx, waiting context.Context, name string, in function.Invocation) (function.Outcome, error) {
	l, err := f.use(ctx, name, nil)
	if err != nil {
		return function.Outcome{}, err
	}
	free := make(chan struct{}, 1)
	for !l.gate.TryEnter(free) {
		if l.gate.Limit() == 0 {
			return function.Outcome{}, async.ErrNoConcurrency
		}
		select {
		case <-free:
		case <-waiting.Done():
			return function.Outcome{}, fmt.Errorf("wait for a place at function %s: %w", name, waiting.Err())
		}
	}
	defer l.gate.Leave()
	return l.Invoke(ctx, in), nil
}

// topics writes to topics of configured clusters: the destinations of functions, which
// have no cluster of their own as mappings have.
type topics struct {
	sources Sources

	mu        sync.Mutex
	producers map[string]*kafka.Producer // by cluster
}

// SplitTopic takes kafka://CLUSTER/TOPIC apart.
func SplitTopic(destination string) (cluster, topic string, ok bool) {
	rest, ok := strings.CutPrefix(destination, "kafka://")
	if !ok {
		return "", "", false
	}
	cluster, topic, ok = strings.Cut(rest, "/")
	return cluster, topic, ok && cluster != "" && topic != ""
}

// Send implements async.Sender.
func (t *topics) Send(ctx context.Context, to string, key, value []byte) error {
	cluster, topic, ok := SplitTopic(to)
	if !ok {
		return fmt.Errorf("%q is not kafka://CLUSTER/TOPIC", to)
	}
	p, err := t.producer(ctx, cluster)
	if err != nil {
		return err
	}
	_, err = p.Produce(ctx, topic, kafka.Message{Key: key, Value: value})
	if err != nil && !errors.Is(err, kafka.ErrTooLarge) {
		t.forget(cluster, p) // its login may be another one by now
	}
	return err
}

func (t *topics) producer(ctx context.Context, cluster string) (*kafka.Producer, error) {
	t.mu.Lock()
	p := t.producers[cluster]
	t.mu.Unlock()
	if p != nil {
		return p, nil
	}
	c, err := t.sources.Resolve(ctx, mapping.Source{Cluster: cluster})
	if err != nil {
		return nil, err
	}
	if p, err = kafka.NewProducer(c); err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if other := t.producers[cluster]; other != nil {
		p.Close()
		return other, nil
	}
	t.producers[cluster] = p
	return p, nil
}

func (t *topics) forget(cluster string, p *kafka.Producer) {
	t.mu.Lock()
	if t.producers[cluster] == p {
		delete(t.producers, cluster)
	}
	t.mu.Unlock()
	p.Close()
}

func (t *topics) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for cluster, p := range t.producers {
		p.Close()
		delete(t.producers, cluster)
	}
}
