package deadletter

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"gantry/cloud/places"
	"gantry/pipeline/deliver"
)

// queue is an SQS queue with letters: of a mapping, or subscribed to an SNS topic of one.
// SQS has no way to look at messages but to receive them: they are hidden from others
// meanwhile and given back at the end.
type queue struct {
	places.Queue
	held map[string]string // id → receipt of what is hidden from others
}

// How long messages are hidden: to look, and to redrive.
const (
	hiddenToLook    = 2 * time.Minute
	hiddenToRedrive = 15 * time.Minute
)

// emptyInARow ends a walk: SQS may answer with nothing although there is more.
const emptyInARow = 2

func (q *queue) walk(ctx context.Context, w Walk, each func(*Letter) error) error {
	total, err := q.Count(ctx)
	if err != nil {
		return err
	}
	hidden := hiddenToLook
	if w.Taking {
		hidden = hiddenToRedrive
	}
	seen := map[string]bool{}
	for empty := 0; empty < emptyInARow; empty++ {
		messages, err := q.Receive(ctx, hidden, time.Second)
		if err != nil {
			return err
		}
		for _, m := range messages {
			q.held[m.ID] = m.Receipt
		}
		for _, m := range messages {
			if seen[m.ID] {
				continue
			}
			seen[m.ID], empty = true, -1
			w.progress(int64(len(seen)), max(total, int64(len(seen))))
			if l, ok := ofMessage(m); ok {
				if err := each(&l); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// release shows what was received and not deleted to others again; without it that
// happens when the time is over.
func (q *queue) release(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	_ = q.Return(ctx, slices.Collect(maps.Values(q.held))...)
	clear(q.held)
}

func ofMessage(m places.Message) (Letter, bool) {
	l, ok := read([]byte(m.Body))
	maps.Copy(m.Attributes, wrapped([]byte(m.Body)))
	l.ID, l.receipt = m.ID, m.Receipt
	if l.At.IsZero() {
		l.At = m.Sent
	}
	l.attributes(m.Attributes)
	l.exactly(m.Attributes[deliver.AttributeOffsets])
	return l, ok
}

// attributes are gantry's facts beside AWS's document.
func (l *Letter) attributes(with map[string]string) {
	l.Mapping, l.Note = with[deliver.AttributeMapping], with[deliver.AttributeSkipped]
	if text := with[deliver.AttributeError]; text != "" {
		l.Error = text
	}
}

func (q *queue) find(ctx context.Context, id string) (Letter, error) {
	defer q.release(ctx)
	var found *Letter
	err := q.walk(ctx, Walk{}, func(l *Letter) error {
		if l.ID == id {
			found = l
			return errEnough
		}
		return nil
	})
	if found != nil {
		return *found, nil
	}
	if err == nil {
		err = fmt.Errorf("message %q: %w, or it is hidden while somebody else has it", id, ErrNoLetter)
	}
	return Letter{}, err
}

func (q *queue) done(ctx context.Context, l *Letter) error {
	if err := q.Delete(ctx, l.receipt); err != nil {
		return err
	}
	delete(q.held, l.ID)
	return nil
}
