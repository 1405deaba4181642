package collect

import (
	"context"
	"time"

	"gantry/kafka"
	"gantry/workload"
)

// writing is how recently a producer wrote that counts as active.
const writing = time.Hour

// readWriters counts the producers that are at work.
func (r *reading) readWriters(ctx context.Context) error {
	if r.Quick {
		return nil
	}
	r.progress("producers", 0, 1)
	var topics []kafka.SurveyTopic
	for _, t := range r.here() {
		topics = append(topics, t.SurveyTopic)
	}
	writers, err := r.client.Writers(ctx, topics, time.Now().Add(-writing))
	if err != nil {
		return err
	}
	for _, t := range r.here() {
		w := writers[t.Name]
		if w.Err != nil {
			r.topicFailed(t.Name, "its writers are not known", w.Err)
			continue
		}
		t.out.ActiveWriters = w.Active
		t.out.Transactional = t.out.Transactional || w.Transactional
	}
	return nil
}

// survey makes the Survey of what was read.
func (r *reading) survey() workload.Survey {
	edges := r.edges(r.began)
	out := workload.Survey{
		Cluster: r.Name, ClusterID: r.layout.ClusterID, Began: r.began.UTC(), Quick: r.Quick,
		Topics: []workload.Topic{}, Groups: []workload.Group{},
	}
	for _, t := range r.order {
		if !t.gone {
			out.Topics = append(out.Topics, r.topic(t, edges))
		}
	}
	for _, g := range r.groups {
		out.Groups = append(out.Groups, r.tell(g))
	}
	r.sayWhatCounts()
	out.Requests, out.BytesRead = r.client.Asked()
	out.Caveats = r.caveats.sentences()
	out.Ended = time.Now().UTC()
	return out
}

func (r *reading) topic(t *topic, edges []time.Time) workload.Topic {
	out := t.out
	out.Name, out.ID, out.Internal, out.Replicas = t.Name, t.ID, t.Internal, t.Replicas
	out.Compacted, out.Retention, out.LogAppendTime, out.TimestampsSane = t.Compacted, t.Retention, t.LogAppendTime, t.sane
	out.Partitions = []workload.Partition{}
	for _, p := range partitionsOf(t.SurveyTopic) {
		told := r.partition(t, p, edges)
		if !t.sane {
			told.Rate = r.instead(p)
		}
		for i := range told.Rate.Counts {
			told.Rate.Counts[i] *= 1 - t.markers
		}
		out.Partitions = append(out.Partitions, told)
		out.DiskBytes += r.disk[p]
	}
	out.Rate = sum(out.Partitions)
	r.sayWhatIsYoung(t, out, edges[len(edges)-1])
	return out
}

// sayWhatIsYoung names topics with records of which no full bucket has any.
func (r *reading) sayWhatIsYoung(t *topic, told workload.Topic, last time.Time) {
	if !t.sane || t.Internal {
		return
	}
	for _, p := range r.filled(t) {
		if offsets := t.offsets[p.Index]; len(offsets) == 0 || offsets[len(offsets)-1] > r.start[p] {
			return
		}
	}
	if len(r.filled(t)) > 0 && len(told.Rate.Counts) > 0 {
		r.caveats.add("topic", t.Name, "all its records are younger than "+last.Format("15:04 MST")+
			", when the last full bucket ended: its rates show none of them; narrower buckets would")
	}
}

// sayWhatCounts says what offsets count beside records.
func (r *reading) sayWhatCounts() {
	for _, t := range r.here() {
		switch {
		case t.Compacted:
			r.caveats.add("topic", t.Name, "compacted: rates count what was written, also what compaction removed since; lag counts what is removed as if it were there")
		case t.markers > 0:
			r.caveats.add("topic", t.Name, "written in transactions: rates are offsets less the share of markers that the sample has; lag counts markers")
		}
	}
	if r.Quick {
		r.caveats.say("a quick pass keeps nothing of records: sizes and keys are not known, and markers of transactions count as records")
	}
}
