package simulation

import (
	"context"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"gantry/function"
	"gantry/internal/rig"
)

// moods is a function that is well, slow, failing, lying or gone, as it is told. What it
// draws follows the order of its calls, which is the order of a bubble's goroutines.
type moods struct {
	mu      sync.Mutex
	draw    *rand.Rand
	mood    int
	partial bool
	answers bool // they are records
	calmed  bool
}

// The moods. In each some events go well, or nothing would ever move.
const (
	well = iota
	slow
	failing
	lying
	hanging
	away
	mixed
	moodCount
)

func (m *moods) change() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.mood = m.draw.IntN(moodCount)
}

func (m *moods) calm() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.mood, m.calmed = well, true
}

// plan is what happens to one event.
type plan struct {
	mood  int
	roll  int
	wait  time.Duration
	bad   int
	sober bool
}

func (m *moods) next(c rig.Call) plan {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := plan{mood: m.mood, roll: m.draw.IntN(10), wait: time.Duration(m.draw.IntN(3000)) * time.Millisecond, bad: m.draw.IntN(c.Len()), sober: m.calmed}
	if p.mood == mixed {
		p.mood = m.draw.IntN(mixed)
	}
	return p
}

func (m *moods) answer(ctx context.Context, c rig.Call) function.Outcome {
	p := m.next(c)
	out := m.decide(ctx, c, p)
	switch {
	case !m.answers:
		return out
	case p.mood == lying && p.roll == 6 && !p.sober:
		return spoiled(c, out)
	}
	return withRecords(c, out, m.partial)
}

func (m *moods) decide(ctx context.Context, c rig.Call, p plan) function.Outcome {
	if !p.sober && p.roll < 9 && poisoned(c) {
		return m.complain(c, p)
	}
	switch {
	case p.mood == slow:
		return after(ctx, p.wait)
	case p.mood == failing && p.roll < 6:
		return rig.Fails()
	case p.mood == lying && p.roll < 6:
		return m.lie(c, p)
	case p.mood == hanging && p.roll < 3:
		return after(ctx, time.Hour) // its target cuts it at the timeout
	case p.mood == away && p.roll < 5:
		return function.Outcome{Class: function.NotReached, Throttled: p.roll < 3, Message: "away"}
	case p.mood == away && p.roll < 7:
		return function.Outcome{Class: function.TooLarge, Message: "too large"}
	}
	return rig.OK()
}

// complain fails for a poison record: as a whole, or naming a record where it may.
func (m *moods) complain(c rig.Call, p plan) function.Outcome {
	if m.partial && p.roll%2 == 0 {
		return m.name(c, p.bad)
	}
	return rig.Fails()
}

// lie answers a partial batch response that names what it should not, or is none.
func (m *moods) lie(c rig.Call, p plan) function.Outcome {
	switch p.roll % 3 {
	case 0:
		return rig.Report("0/99999999")
	case 1:
		out := rig.OK()
		out.Answer = []byte(`{"batchItemFailures":[{"itemIdentifier":"`)
		return out
	}
	return m.name(c, p.bad)
}

func (m *moods) name(c rig.Call, n int) function.Outcome {
	for _, partition := range c.Partitions() {
		if n < len(c.Parts[partition]) {
			return rig.ReportOne(partition, c.Parts[partition][n])
		}
		n -= len(c.Parts[partition])
	}
	return rig.OK()
}

func poisoned(c rig.Call) bool {
	for _, records := range c.Event.Records {
		for _, r := range records {
			if strings.HasPrefix(r.Value, "eyJvZGQiOmZhbHNlLCJwb2lzb24i") { // {"odd":false,"poison" in base64
				return true
			}
		}
	}
	return false
}

// after answers when the time is over, or as a target does when the call is cut or runs
// into the function's timeout.
func after(ctx context.Context, d time.Duration) function.Outcome {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	select {
	case <-time.After(d):
		return rig.OK()
	case <-ctx.Done():
		return function.Outcome{Class: function.Unknown, Message: "cut"}
	}
}
