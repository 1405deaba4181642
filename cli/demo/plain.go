package demo

import (
	"fmt"
	"io"
	"time"
)

// Plain tells the story in lines, for a log or a terminal that can't be drawn on. It is
// used by one goroutine.
type Plain struct {
	out  io.Writer
	next time.Duration
	told time.Time // of the newest notable batch that was told
}

// NewPlain makes a screen of lines.
func NewPlain(out io.Writer) *Plain { return &Plain{out: out} }

const plainEvery = time.Second

// Show prints one line a second, and one for each batch that failed.
func (p *Plain) Show(f Frame) {
	if f.Starting {
		return
	}
	for i := len(f.Notable) - 1; i >= 0; i-- {
		if b := f.Notable[i]; b.At.After(p.told) {
			fmt.Fprintf(p.out, "       %s [%s]: %s\n", b.Stage, b.Where, b.Text)
			p.told = b.At
		}
	}
	if f.Elapsed < p.next {
		return
	}
	p.next = f.Elapsed.Truncate(plainEvery) + plainEvery
	var flying int
	var retries, dead, lag int64
	for _, s := range f.Stages {
		flying += s.Flying
		retries += s.Retries
		dead += s.Dead
		lag += s.Lag
	}
	orders, payments := f.topic(ordersTopic), f.topic(paymentsTopic)
	line := fmt.Sprintf("%s  orders %s (%.0f/s)  payments %s (%.0f/s)  in flight %d  retries %d  dead letters %d  lag %d  objects %d",
		clock(f.Elapsed), thousands(orders.Records), orders.PerSecond, thousands(payments.Records), payments.PerSecond,
		flying, retries, dead, lag, f.Objects)
	if f.Draining {
		line += "  (finishing)"
	}
	fmt.Fprintln(p.out, line)
}

func clock(d time.Duration) string {
	seconds := int(d.Seconds())
	return fmt.Sprintf("%02d:%02d", seconds/60, seconds%60)
}
