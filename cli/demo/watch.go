package demo

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"gantry/function"
	"gantry/pipeline"
)

// watched gathers the batches of one mapping as they end.
type watched struct {
	stage stage
	uuid  string
	end   func()

	mu      sync.Mutex
	batches int64
	took    []time.Duration // a sample of at most maxTimes
	last    BatchFrame
	notable []BatchFrame
}

const (
	maxTimes   = 20_000
	maxNotable = 6
)

// follow notes batches until the channel's owner stops it.
func (w *watched) follow(batches <-chan pipeline.Event, done <-chan struct{}) {
	for {
		select {
		case e := <-batches:
			w.note(e)
		case <-done:
			return
		}
	}
}

func (w *watched) note(e pipeline.Event) {
	b := w.frame(e)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.batches++
	if len(w.took) < maxTimes {
		w.took = append(w.took, e.Elapsed)
	} else if at := rand.Int64N(w.batches); at < maxTimes { // every batch has the same chance to stay
		w.took[at] = e.Elapsed
	}
	w.last = b
	if b.Failed {
		w.notable = append([]BatchFrame{b}, w.notable[:min(len(w.notable), maxNotable-1)]...)
	}
}

func (w *watched) frame(e pipeline.Event) BatchFrame {
	b := BatchFrame{At: e.At, Stage: w.stage.label, Elapsed: e.Elapsed, Text: "ok"}
	var where []string
	for _, p := range e.Parts {
		b.Records += p.Count
		where = append(where, fmt.Sprintf("%d:%d-%d", p.Partition.Index, p.First, p.Last))
	}
	slices.Sort(where)
	b.Where = strings.Join(where, " ")
	switch {
	case e.Class != function.Succeeded:
		b.Failed, b.Text = true, "failed: "+lastWords(e)
	case e.Failed > 0:
		b.Failed, b.Text = true, fmt.Sprintf("%d of %d named as failed", e.Failed, b.Records)
	}
	return b
}

// lastWords is what the function itself said of its failure.
func lastWords(e pipeline.Event) string {
	var said struct {
		ErrorMessage string `json:"errorMessage"`
	}
	if json.Unmarshal(e.Answer, &said) == nil && said.ErrorMessage != "" {
		return said.ErrorMessage
	}
	line, _, _ := strings.Cut(e.Message, "\n")
	return line
}

// times gives a copy of the sample, and how many batches there were.
func (w *watched) times() ([]time.Duration, int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.took), w.batches
}

// recent gives the newest batch and the notable ones.
func (w *watched) recent() (BatchFrame, []BatchFrame) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.last, slices.Clone(w.notable)
}

// percentile is the smallest time that at least this share of all did not exceed.
func percentile(times []time.Duration, share float64) time.Duration {
	if len(times) == 0 {
		return 0
	}
	slices.Sort(times)
	at := int(share*float64(len(times))+0.999999) - 1
	return times[min(max(at, 0), len(times)-1)]
}
