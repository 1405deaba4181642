package collect

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gantry/kafka"
	"gantry/record"
	"gantry/workload"
)

// reading is one survey in the making.
type reading struct {
	client *kafka.Surveyor
	settings
	began   time.Time
	caveats caveats

	layout kafka.Layout
	topics map[string]*topic
	order  []*topic // by name; those not left out
	disk   map[record.Partition]int64
	// ends are kept for every partition, also of topics that are left out: positions of
	// groups are measured against them.
	start, end map[record.Partition]int64
	groups     []*group
	watched    *watch
}

// topic is a topic with what was read of it.
type topic struct {
	kafka.SurveyTopic
	kafka.TopicSettings
	out     workload.Topic
	offsets map[int32][]int64 // at each edge, by partition
	whole   map[int32]bool    // partitions that were read whole
	tally   *tally
	sane    bool
	gone    bool
	markers float64 // share of offsets that are transactions' markers, by the sample
}

func newReading(client *kafka.Surveyor, s settings) *reading {
	return &reading{
		client: client, settings: s, began: time.Now(), topics: map[string]*topic{},
		start: map[record.Partition]int64{}, end: map[record.Partition]int64{},
	}
}

func (r *reading) progress(step string, done, total int) {
	if r.Progress != nil {
		r.Progress(Progress{Step: step, Done: done, Total: total})
	}
}

// all asks everything, in the order that makes what is compared be read close together.
func (r *reading) all(ctx context.Context) error {
	for _, step := range []func(context.Context) error{
		r.readLayout, r.readGroups, r.readWatch, r.readWhole, r.readRates, r.readSanity, r.readSamples, r.readWriters, r.readLagTimes,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// readLayout reads what there is, how it is kept, and the ends of every log.
func (r *reading) readLayout(ctx context.Context) error {
	r.progress("topics", 0, 1)
	var err error
	if r.layout, err = r.client.Layout(ctx); err != nil {
		return err
	}
	if !r.layout.Sees {
		r.caveats.say("Describe on the cluster is not allowed: only groups that this login may Describe are listed")
	}
	var names []string
	for _, t := range r.layout.Topics {
		if matches(r.LeaveOutTopics, t.Name) {
			continue
		}
		known := &topic{
			SurveyTopic: t, sane: true, offsets: map[int32][]int64{}, whole: map[int32]bool{}, tally: newTally(r.ShowKeys),
		}
		r.topics[t.Name], r.order = known, append(r.order, known)
		names = append(names, t.Name)
	}
	kept, err := r.client.Settings(ctx, names)
	if err != nil {
		return err
	}
	for name, k := range kept {
		if k.Err != nil {
			r.topicFailed(name, "its settings are not known", k.Err)
			k.Retention = -1
		}
		r.topics[name].TopicSettings = k
	}
	if err := r.readEnds(ctx); err != nil {
		return err
	}
	return r.readDisks(ctx)
}

func (r *reading) readEnds(ctx context.Context) error {
	var all []record.Partition
	for _, t := range r.layout.Topics {
		all = append(all, partitionsOf(t)...)
	}
	starts, err := r.client.Marks(ctx, kafka.AtOldest, all)
	if err != nil {
		return err
	}
	ends, err := r.client.Marks(ctx, kafka.AtEnd, all)
	if err != nil {
		return err
	}
	for _, p := range all {
		if err := errors.Join(starts[p].Err, ends[p].Err); err != nil {
			r.topicFailed(p.Topic, "its offsets are not known", err)
			continue
		}
		r.start[p], r.end[p] = starts[p].Offset, max(ends[p].Offset, starts[p].Offset)
	}
	return nil
}

// readDisks also bounds what a sample can be, so it comes early.
func (r *reading) readDisks(ctx context.Context) error {
	var err error
	r.disk, err = r.client.DiskBytes(ctx)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var denied *kafka.Denied
	switch {
	case errors.As(err, &denied):
		r.caveats.say("Describe on the cluster is not allowed: the bytes on disk are not known")
	case err != nil:
		r.caveats.say(fmt.Sprintf("the bytes on disk are not known in full: %v", err))
	}
	return nil
}

// topicFailed notes that something of a topic is missing: for want of a permission, or
// because the topic went away.
func (r *reading) topicFailed(name, without string, err error) {
	var denied *kafka.Denied
	t := r.topics[name]
	switch {
	case errors.As(err, &denied):
		r.caveats.add("topic", name, fmt.Sprintf("%s is not allowed: %s", denied.Operation, without))
	case errors.Is(err, kafka.ErrUnknownTopic):
		r.caveats.add("topic", name, "deleted while the cluster was read")
		if t != nil {
			t.gone = true
		}
	default:
		r.caveats.add("topic", name, fmt.Sprintf("%s: %v", without, err))
	}
}

// here are the topics that rates and samples are taken of.
func (r *reading) here() []*topic {
	var out []*topic
	for _, t := range r.order {
		if !t.gone && !t.Internal {
			out = append(out, t)
		}
	}
	return out
}

// filled are the partitions of a topic that have records.
func (r *reading) filled(t *topic) []record.Partition {
	var out []record.Partition
	for _, p := range partitionsOf(t.SurveyTopic) {
		if end, known := r.end[p]; known && end > r.start[p] {
			out = append(out, p)
		}
	}
	return out
}

func partitionsOf(t kafka.SurveyTopic) []record.Partition {
	out := make([]record.Partition, len(t.Partitions))
	for i, index := range t.Partitions {
		out[i] = record.Partition{Topic: t.Name, Index: index}
	}
	return out
}
