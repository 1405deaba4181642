package demo

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"gantry/record"
)

// Summary is what a demo came to. Members of records are compared by position.
type Summary struct {
	Seconds  float64          `json:"seconds"`
	Produced map[string]int64 `json:"produced"` // by topic
	Stages   []StageSummary   `json:"functions"`
	Objects  int              `json:"objectsInBucket"`
	Stored   int              `json:"recordsInBucket"`
	Lag      int64            `json:"lag"`
	Settled  bool             `json:"settled"`
	Lost     int64            `json:"lost"` // records that a function should have had and did not get
	Notes    []string         `json:"notes,omitempty"`
}

// StageSummary is what one mapping did. In a run without a repeat
// Produced = FilteredOut + Processed + DeadLetters.
type StageSummary struct {
	Mapping     string  `json:"mapping"`
	Function    string  `json:"function"`
	Topic       string  `json:"topic"`
	Label       string  `json:"-"`
	Produced    int64   `json:"produced"`
	FilteredOut int64   `json:"filteredOut"`
	Processed   int64   `json:"processed"`
	DeadLetters int64   `json:"deadLetters"`
	Missing     int64   `json:"missing"`  // wanted, and neither processed nor a dead letter
	Unwanted    int64   `json:"unwanted"` // processed although its filter should have kept it away
	Repeated    int64   `json:"repeated"` // processed more than once: allowed, and counted
	Retries     int64   `json:"retries"`  // records sent again after a failure
	Batches     int64   `json:"batches"`
	P50         float64 `json:"p50ms"`
	P99         float64 `json:"p99ms"`
	Lag         int64   `json:"lag"`
}

// NothingLost is the verdict: every record of every topic is accounted for, and nothing
// is left to do.
func (s Summary) NothingLost() bool { return s.Settled && s.Lag == 0 && s.Lost == 0 }

// summary reads back what was really done and compares it with what was written.
func (r *run) summary(ctx context.Context, settled bool) (Summary, error) {
	bucket, err := readBucket(r.opts.Bucket.dir)
	if err != nil {
		return Summary{}, fmt.Errorf("read the bucket back: %w", err)
	}
	s := Summary{
		Seconds: time.Since(r.began).Round(time.Millisecond).Seconds(), Settled: settled, Notes: r.opts.Notes,
		Produced: map[string]int64{ordersTopic: r.ledger.count(ordersTopic), paymentsTopic: r.ledger.count(paymentsTopic)},
		Objects:  bucket.objects, Stored: len(bucket.records),
	}
	frame := r.sampler.frame(time.Now())
	for _, w := range r.watched {
		out, err := r.stageSummary(ctx, w, bucket)
		if err != nil {
			return s, err
		}
		now := frame.stage(w.stage.mapping)
		out.FilteredOut, out.Retries = now.Filtered, now.Retries
		if w.stage.topic == deadTopic { // gantry itself wrote them, as it counted
			out.Missing = max(0, frame.stage(settleMapping).Dead-out.Processed)
		}
		s.Stages = append(s.Stages, out)
		s.Lag += out.Lag
		s.Lost += out.Missing
	}
	return s, nil
}

func (r *run) stageSummary(ctx context.Context, w *watched, bucket stored) (StageSummary, error) {
	out := StageSummary{Mapping: w.stage.mapping, Function: w.stage.function, Topic: w.stage.topic, Label: w.stage.label}
	did := bucket.records
	if w.stage.function != archiveFunction {
		var err error
		if did, err = readJournal(r.effects(), w.stage.function); err != nil {
			return out, err
		}
	}
	if w.stage.topic == deadTopic {
		out.countDead(did)
	} else {
		out.compare(r.ledger, w.stage, did, bucket.dead)
	}
	times, batches := w.times()
	out.Batches = batches
	out.P50, out.P99 = inMS(percentile(times, 0.50)), inMS(percentile(times, 0.99))
	var err error
	if out.Lag, err = r.lag(ctx, w); err != nil { // somebody deleted it: what it missed is still to do
		out.Lag = out.Missing
	}
	return out, nil
}

// compare goes through what the producer wrote, position by position.
func (s *StageSummary) compare(l *ledger, st stage, did, dead positions) {
	l.each(s.Topic, func(at record.Position, f fact) {
		s.Produced++
		times := did[at]
		switch {
		case times > 0 && !st.wants(f):
			s.Unwanted++
		case times > 0:
			s.Processed++
			s.Repeated += int64(times - 1)
		case st.mapping == settleMapping && dead[at] > 0:
			s.DeadLetters++
		case st.wants(f):
			s.Missing++
		}
	})
}

// settleMapping is the one mapping with a destination.
const settleMapping = "payments-to-settle"

// countDead counts the dead letters that arrived in the bucket.
func (s *StageSummary) countDead(did positions) {
	for at, times := range did {
		if at.Topic == deadTopic {
			s.Produced++
			s.Processed++
			s.Repeated += int64(times - 1)
		}
	}
}

func inMS(d time.Duration) float64 { return float64(d.Round(10*time.Microsecond)) / 1e6 }

// Print writes the summary for people.
func (s Summary) Print(out io.Writer) {
	fmt.Fprintf(out, "\n%s orders and %s payments in %.1f s\n\n",
		thousands(s.Produced[ordersTopic]), thousands(s.Produced[paymentsTopic]), s.Seconds)
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "function\tproduced\tfiltered\tprocessed\tdead\tmissing\tagain\tp50ms\tp99ms\t")
	for _, f := range s.Stages {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%.1f\t%.1f\t\n", cmp.Or(f.Label, f.Mapping),
			thousands(f.Produced), thousands(f.FilteredOut), thousands(f.Processed), thousands(f.DeadLetters), thousands(f.Missing),
			thousands(f.Retries), f.P50, f.P99)
	}
	_ = w.Flush() // a terminal that is gone
	fmt.Fprintf(out, "\nbucket: %s records in %s objects\n", thousands(int64(s.Stored)), thousands(int64(s.Objects)))
	for _, note := range s.Notes {
		fmt.Fprintln(out, note)
	}
	fmt.Fprintln(out, s.verdict())
}

func (s Summary) verdict() string {
	var repeated, unwanted int64
	for _, f := range s.Stages {
		repeated += f.Repeated
		unwanted += f.Unwanted
	}
	switch {
	case s.Lost > 0 && s.Settled && s.Lag == 0:
		return fmt.Sprintf("LOST: %s records were not processed although their offsets are committed", thousands(s.Lost))
	case !s.NothingLost():
		return fmt.Sprintf("not settled: %s records were still to do when the demo ended", thousands(max(s.Lag, s.Lost)))
	case unwanted > 0:
		return fmt.Sprintf("nothing lost, but %s records came to a function whose filter should have kept them away", thousands(unwanted))
	}
	return fmt.Sprintf("nothing lost: every record was processed, filtered out or is a dead letter,\n"+
		"compared position by position; lag 0, %s processed twice", thousands(repeated))
}

// thousands writes 1234567 as 1,234,567.
func thousands(n int64) string {
	digits := fmt.Sprint(n)
	var out strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 && digits[i-1] != '-' {
			out.WriteByte(',')
		}
		out.WriteRune(d)
	}
	return out.String()
}
