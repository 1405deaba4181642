package trip

import (
	"fmt"
	"sync"
	"time"
)

// Cuts notices calls that are always cut after about the same time: the mark of a
// proxy or firewall that ends connections it believes idle. Safe for use by many
// goroutines.
type Cuts struct {
	mu    sync.Mutex
	after time.Duration
	times int
}

const (
	cutsToReport = 3
	// A function that dies at once is cut after the same time as well; no device on a
	// path gives up that early.
	shortestCut = 2 * time.Second
	tolerance   = time.Second
)

// Lost notes a call without an answer. From the third in a row after about the same
// time it gives what to tell people, else "".
func (c *Cuts) Lost(elapsed time.Duration) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if elapsed < shortestCut {
		return ""
	}
	if c.times == 0 || (elapsed-c.after).Abs() > max(tolerance, c.after/20) {
		c.after, c.times = elapsed, 0
	}
	c.times++
	if c.times < cutsToReport {
		return ""
	}
	return fmt.Sprintf("; %d calls in a row ended without an answer after about %v: probably the idle timeout of a"+
		" proxy or firewall on the path, raise it above the function's timeout", c.times, c.after.Round(100*time.Millisecond))
}

// Answered notes an answer. One that took as long as the calls that were cut ends the
// row; a quicker one says nothing about idle connections.
func (c *Cuts) Answered(elapsed time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.times > 0 && elapsed >= c.after {
		c.times = 0
	}
}
