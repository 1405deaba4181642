package kafka

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Settings of topics that gantry makes for itself.
var (
	keepsLatest = map[string]string{"cleanup.policy": "compact"}
	keepsAll    = map[string]string{"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1"}
)

// MakeLike makes a compacted topic with one partition and the replicas another one has;
// it is no error that it is there.
func (a *Admin) MakeLike(ctx context.Context, name, like string) error {
	return a.makeOne(ctx, name, like, keepsLatest)
}

// MakeKept makes a topic with one partition that keeps every record for ever, with the
// replicas another one has. One that is there must be such a topic.
func (a *Admin) MakeKept(ctx context.Context, name, like string) error {
	if err := a.makeOne(ctx, name, like, keepsAll); err != nil {
		return err
	}
	return a.mustKeep(ctx, name)
}

// twinned are the settings that decide which records a topic takes.
var twinned = []string{"max.message.bytes", "message.timestamp.type", "compression.type"}

// MakeTwin makes a topic that takes the records another one takes: as many partitions and
// replicas, and its limits. It keeps every record for as long as kept says. It is no error
// that it is there with as many partitions; what is in it stays.
func (a *Admin) MakeTwin(ctx context.Context, name, of string, kept time.Duration) error {
	details, err := a.admin.ListTopics(ctx, of, name)
	if err == nil {
		err = details[of].Err
	}
	if err != nil {
		return a.topicError("describe", of, err)
	}
	partitions, replicas := int32(len(details[of].Partitions)), int16(-1)
	for _, p := range details[of].Partitions {
		replicas = int16(len(p.Replicas))
	}
	configs := map[string]*string{"cleanup.policy": kadm.StringPtr("delete"), "retention.ms": kadm.StringPtr(strconv.FormatInt(kept.Milliseconds(), 10))}
	described, err := a.admin.DescribeTopicConfigs(ctx, of)
	if err != nil || len(described) != 1 || described[0].Err != nil {
		return fmt.Errorf("read the settings of topic %s: %w", of, a.attempts.join(errors.Join(err, firstErr(described))))
	}
	for _, c := range described[0].Configs {
		if slices.Contains(twinned, c.Key) && c.Source == kmsg.ConfigSourceDynamicTopicConfig {
			configs[c.Key] = c.Value
		}
	}
	made, err := a.admin.CreateTopic(ctx, partitions, replicas, configs, name)
	err = errors.Join(err, made.Err)
	if errors.Is(err, kerr.TopicAlreadyExists) {
		return sameSize(details, name, of)
	}
	if err != nil {
		return fmt.Errorf("make topic %s: %w; or make it yourself: kafka-topics --create --topic %s --partitions %d", name, a.attempts.join(Deny(err, "Create", "topic", name)), name, partitions)
	}
	return a.known(ctx, name)
}

// known waits until every broker that is asked knows a topic that was just made.
func (a *Admin) known(ctx context.Context, name string) error {
	for until := time.Now().Add(15 * time.Second); ; {
		_, _, err := a.Bounds(ctx, name, false)
		if err == nil || time.Now().After(until) {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func firstErr(described kadm.ResourceConfigs) error {
	for _, d := range described {
		if d.Err != nil {
			return d.Err
		}
	}
	return nil
}

func sameSize(details kadm.TopicDetails, name, of string) error {
	if have, want := len(details[name].Partitions), len(details[of].Partitions); have != want {
		return fmt.Errorf("topic %s is there and has %d partitions, not the %d of %s: delete it, it is nobody's but a former shadow run's", name, have, want, of)
	}
	return nil
}

func (a *Admin) makeOne(ctx context.Context, name, like string, settings map[string]string) error {
	details, err := a.admin.ListTopics(ctx, like)
	if err != nil {
		return a.topicError("describe", like, err)
	}
	replicas := int16(-1)
	for _, p := range details[like].Partitions {
		replicas = int16(len(p.Replicas))
	}
	configs, written := map[string]*string{}, ""
	for _, key := range slices.Sorted(maps.Keys(settings)) {
		configs[key] = kadm.StringPtr(settings[key])
		written += " --config " + key + "=" + settings[key]
	}
	made, err := a.admin.CreateTopic(ctx, 1, replicas, configs, name)
	err = errors.Join(err, made.Err)
	if err == nil || errors.Is(err, kerr.TopicAlreadyExists) {
		return nil
	}
	return fmt.Errorf("make topic %s: %w; or make it yourself: kafka-topics --create --topic %s --partitions 1%s",
		name, a.attempts.join(Deny(err, "Create", "topic", name)), name, written)
}

// mustKeep refuses a topic that loses records or spreads them. Not being allowed to look at
// its settings is no refusal.
func (a *Admin) mustKeep(ctx context.Context, name string) error {
	start, _, err := a.Bounds(ctx, name, false)
	if err != nil {
		return err
	}
	var faults []string
	if len(start) != 1 {
		faults = append(faults, fmt.Sprintf("it has %d partitions and must have 1", len(start)))
	}
	described, err := a.admin.DescribeTopicConfigs(ctx, name)
	if err != nil || len(described) != 1 || described[0].Err != nil {
		return refusedTopic(name, faults)
	}
	for _, c := range described[0].Configs {
		want, cares := keepsAll[c.Key]
		if cares && c.MaybeValue() != want {
			faults = append(faults, fmt.Sprintf("its %s is %s and must be %s", c.Key, c.MaybeValue(), want))
		}
	}
	slices.Sort(faults)
	return refusedTopic(name, faults)
}

func refusedTopic(name string, faults []string) error {
	if len(faults) == 0 {
		return nil
	}
	return fmt.Errorf("topic %s can't keep a ledger: %s; change it (kafka-configs --alter --topic %s), or name another topic",
		name, strings.Join(faults, "; "), name)
}
