package pipeline

import (
	"fmt"
	"log/slog"
	"strings"
	"time"

	"gantry/function"
	"gantry/record"
)

// unanswered says that a function may have run without our hearing of it: its records come
// again, here or, where the invocation was cut because its partition moved, at another member
// while the call may still be running.
func unanswered(log *slog.Logger, mapping string, b *record.Batch, out function.Outcome, cut bool, took time.Duration) {
	var records []string
	for i := range b.Parts {
		part := &b.Parts[i]
		records = append(records, fmt.Sprintf("%s %d..%d (%d)", part.Lane.Of(), part.First().Offset, part.Last().Offset, len(part.Records)))
	}
	log.Warn("no answer came, the function may have run", "mapping", mapping, "records", strings.Join(records, ", "),
		"cut", cut, "took", took.Round(time.Millisecond).String(), "error", out.Message)
}
