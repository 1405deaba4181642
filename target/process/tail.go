package process

import (
	"fmt"
	"math"
	"sync"
	"time"

	"gantry/function"
)

// tail keeps the last bytes of an invocation's log, with Lambda's START, END and REPORT
// lines around them.
type tail struct {
	mu   sync.Mutex
	kept []byte
}

// report is what the REPORT line says.
type report struct {
	id     string
	took   time.Duration
	memory int // MB
}

func (t *tail) begin(id string) {
	t.line(fmt.Appendf(nil, "START RequestId: %s Version: %s", id, function.LatestVersion))
}

func (t *tail) report(r report) {
	t.line(fmt.Appendf(nil, "END RequestId: %s", r.id))
	t.line(fmt.Appendf(nil, "REPORT RequestId: %s\tDuration: %.2f ms\tBilled Duration: %.0f ms\tMemory Size: %d MB",
		r.id, ms(r.took), math.Ceil(ms(r.took)), r.memory))
}

func (t *tail) line(text []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kept = append(append(t.kept, text...), '\n')
	if over := len(t.kept) - function.LogTailBytes; over > function.LogTailBytes {
		t.kept = append(t.kept[:0], t.kept[over:]...)
	}
}

// bytes returns the last of it, as much as Lambda returns.
func (t *tail) bytes() []byte {
	if t == nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]byte(nil), t.kept[max(0, len(t.kept)-function.LogTailBytes):]...)
}
