package kafkatest

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kadm"
)

var notInTopic = regexp.MustCompile(`[^a-zA-Z0-9._-]+`)

// Topic gives a name no other test or run has, for a topic, a group or a transactional
// id; it begins with the test's name so that broker logs can be read.
func Topic(t testing.TB) string {
	name := notInTopic.ReplaceAllString(t.Name(), "-")
	return fmt.Sprintf("%.80s-%s", name, uuid.NewString()[:8])
}

// CreateTopic makes a topic and returns when every broker can serve it.
func (c *Cluster) CreateTopic(t testing.TB, name string, partitions int, configs map[string]string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	with := map[string]*string{}
	for k, v := range configs {
		with[k] = &v
	}
	replicas := int16(min(3, len(c.brokers)))
	if _, err := c.adm.CreateTopic(ctx, int32(partitions), replicas, with, name); err != nil {
		t.Fatalf("create topic %q: %v", name, err)
	}
	c.await(ctx, t, fmt.Sprintf("topic %q to have %d leaders", name, partitions), func() error {
		topics, err := c.adm.ListTopics(ctx, name)
		if err != nil {
			return err
		}
		return led(topics[name], partitions)
	})
}

// DeleteTopic deletes a topic and returns when it is gone.
func (c *Cluster) DeleteTopic(t testing.TB, name string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if _, err := c.adm.DeleteTopic(ctx, name); err != nil {
		t.Fatalf("delete topic %q: %v", name, err)
	}
	c.await(ctx, t, fmt.Sprintf("topic %q to go", name), func() error {
		topics, err := c.adm.ListTopics(ctx, name)
		if err == nil && topics.Has(name) {
			err = errors.New("it is still there")
		}
		return err
	})
}

// Recreate deletes a topic and creates it again under the same name with a new topic
// id. Kafka drops its commits from every group.
func (c *Cluster) Recreate(t testing.TB, name string, partitions int) {
	t.Helper()
	c.DeleteTopic(t, name)
	c.CreateTopic(t, name, partitions, nil)
}

// Committed gives the offset a group has committed for each partition of a topic;
// partitions without a commit are missing.
func (c *Cluster) Committed(t testing.TB, group, topic string) map[int32]int64 {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var all kadm.OffsetResponses
	c.await(ctx, t, fmt.Sprintf("the offsets of group %q", group), func() (err error) {
		if all, err = c.adm.FetchOffsets(ctx, group); err == nil {
			err = all.Error()
		}
		return err
	})
	out := map[int32]int64{}
	for p, o := range all[topic] {
		if o.At >= 0 {
			out[p] = o.At
		}
	}
	return out
}

func led(d kadm.TopicDetail, partitions int) error {
	if d.Err != nil {
		return d.Err
	}
	leaders := 0
	for _, p := range d.Partitions {
		if p.Err == nil && p.Leader >= 0 {
			leaders++
		}
	}
	if leaders != partitions {
		return fmt.Errorf("%d of %d partitions have a leader", leaders, partitions)
	}
	return nil
}

// await asks again and again: right after a start a broker drops or refuses requests.
func (c *Cluster) await(ctx context.Context, t testing.TB, what string, try func() error) {
	t.Helper()
	for {
		err := try()
		if err == nil {
			return
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			t.Fatalf("wait for %s: %v (last: %v)", what, ctx.Err(), err)
		}
	}
}
