package admin

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"time"

	"gantry/engine"
	"gantry/mapping"
)

// standingView is a partition that does not get on, with what to type.
type standingView struct {
	UUID      string     `json:"uuid"`
	Mapping   string     `json:"mapping"` // its name, or the UUID
	Function  string     `json:"function"`
	Several   bool       `json:"severalFunctions,omitempty"` // the mapping has others, which may get on
	Topic     string     `json:"topic"`
	Partition int32      `json:"partition"`
	Offset    int64      `json:"offset"` // the first unresolved
	Since     *time.Time `json:"since,omitempty"`
	Attempts  int        `json:"attempts"`
	Retry     *time.Time `json:"retry,omitempty"`
	Problem   string     `json:"problem"` // failing, waiting, lost
	Error     string     `json:"error"`
	Lag       int64      `json:"lag"`                   // -1 = not known
	Left      *float64   `json:"leftSeconds,omitempty"` // until retention reaches the offset; below 0 it may be gone
	Commands  []string   `json:"commands"`
}

// What keeps a partition.
const (
	isFailing = "failing" // it is tried again by itself
	isWaiting = "waiting" // it waits for its owner
	isLost    = "lost"    // records are missing at the source
)

func (s *Server) standing(ctx context.Context) []standingView {
	views := []standingView{}
	for _, st := range s.cfg.Engine.Standing(ctx) {
		v := standingOf(st)
		v.Error = s.cfg.MaskText(v.Error) // it may quote the record
		views = append(views, v)
	}
	return views
}

func standingOf(st engine.Standing) standingView {
	v := standingView{
		UUID: st.Mapping.UUID, Mapping: cmp.Or(st.Mapping.Name, st.Mapping.UUID), Function: standsIn(st), Several: st.Mapping.Several(),
		Topic: st.Partition.Topic, Partition: st.Partition.Index, Offset: st.Offset(), Since: known(st.Since()), Problem: isFailing, Lag: st.Lag,
	}
	if st.Left != nil {
		seconds := st.Left.Seconds()
		v.Left = &seconds
	}
	if l := st.Lane; l != nil {
		v.Attempts, v.Retry, v.Error = l.Attempts, known(l.Retry), l.Detail
		if l.Blocked != "" {
			v.Problem = isWaiting
		}
		if l.Span.Full {
			v.Error += fmt.Sprintf("; its partition takes no more: %d records behind offset %d can't be committed", l.Span.Records, l.Resume)
		}
	}
	if st.Loss != nil {
		v.Problem, v.Error = isLost, lossInWords(*st.Loss)
	}
	v.Commands = commandsFor(v, st.Mapping)
	return v
}

// standsIn is the function that does not get on; where records are missing, all of them.
func standsIn(st engine.Standing) string {
	if l := st.Lane; st.Mapping.Several() && st.Loss == nil && l != nil && len(l.Stands) > 0 {
		return l.Stands[0].Function
	}
	return functionsIn(st.Mapping)
}

func lossInWords(l mapping.Loss) string {
	if l.Count == 0 {
		return fmt.Sprintf("%s; nobody knows how much is missing from offset %d on", l.Reason, l.First)
	}
	return fmt.Sprintf("%s; offsets %d to %d are missing", l.Reason, l.First, l.Last)
}

// commandsFor is what to type, the next step first.
func commandsFor(v standingView, m mapping.Mapping) []string {
	if v.Problem == isLost {
		return []string{"gantry offsets accept-loss " + v.Mapping}
	}
	partition := strconv.Itoa(int(v.Partition))
	if len(m.Source.Topics) > 1 {
		partition = v.Topic + "-" + partition
	}
	at := fmt.Sprintf("%s --partition %s --offset %d", v.Mapping, partition, v.Offset)
	to, of := toDeadLetter, ""
	if m.Several() {
		of = " --function " + v.Function
	}
	if m.OnFailure == "" {
		to = toDrop
	}
	return []string{
		"gantry records show " + at,
		"gantry logs " + v.Function,
		"gantry doctor mapping " + v.Mapping,
		"gantry skip " + at + of + " --to " + to + ` --reason "…"`,
	}
}
