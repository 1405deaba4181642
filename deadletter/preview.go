package deadletter

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"hash"
	"time"
)

// Preview is what a redrive that carries its token does, or nothing.
type Preview struct {
	Token  string
	Target string
	Totals Totals
}

// preview is one that may be confirmed.
type preview struct {
	order string
	sum   string
	ends  map[int32]int64
	until time.Time
}

const (
	previewLife  = 15 * time.Minute
	previewsHeld = 256
)

// Preview goes through the letters and says what a redrive would do. It changes nothing.
func (x *Letters) Preview(ctx context.Context, b *Box, o Order, tell func(Event)) (Preview, error) {
	if err := o.check(b); err != nil {
		return Preview{}, err
	}
	totals, sum, err := b.survey(ctx, o, tell)
	if err != nil {
		return Preview{}, err
	}
	p := preview{order: o.signature(b), sum: sum, until: time.Now().Add(previewLife)}
	if t, ok := b.source.(*topic); ok {
		p.ends = t.end
	}
	token := rand.Text()[:12]
	x.mu.Lock()
	defer x.mu.Unlock()
	for key, old := range x.previews {
		if len(x.previews) >= previewsHeld || time.Now().After(old.until) {
			delete(x.previews, key)
		}
	}
	x.previews[token] = p
	r := redrive{Box: b, order: o}
	return Preview{Token: token, Target: r.target(), Totals: totals}, nil
}

// check refuses what can't be meant.
func (o *Order) check(b *Box) error {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("%w: %s", ErrBadOrder, fmt.Sprintf(format, args...))
	}
	t, isTopic := b.source.(*topic)
	switch {
	case o.Selection.All:
		return bad("letters of other mappings are redriven by their own mapping")
	case o.Rate < 0, o.Most < 0:
		return bad("rate and most: want a number above 0")
	case o.To.Kind == ToTopic && (isTopic && o.To.Name == t.name || o.To.Name == b.ledger.topic):
		return bad("topic %s is where the letters or their ledger lie", o.To.Name)
	case o.To.Kind != ToFunction && o.To.Kind != ToTopic && o.To.Kind != ToFile:
		return bad("to: want function, topic or file")
	}
	return nil
}

// signature is all of an order but who gives it and how fast.
func (o Order) signature(b *Box) string {
	same := o
	same.By, same.Reason, same.Rate = "", "", 0
	text, _ := json.Marshal(same) // plain values
	return b.mapping.UUID + " " + b.Place + " " + string(text)
}

// survey is a redrive that does nothing: what would be done, and a sum over the records
// it would be done to.
func (b *Box) survey(ctx context.Context, o Order, tell func(Event)) (Totals, string, error) {
	r := &redrive{Box: b, order: o}
	sum := sha256.New()
	last := time.Now()
	seen, err := r.Walk(ctx, o.Selection, r.walk(false), false, func(f Found) error {
		items, _, err := r.items(ctx, f)
		for _, it := range items {
			r.totals.Redriven++
			add(sum, it.id)
		}
		if tell != nil && time.Since(last) > time.Second {
			last = time.Now()
			tell(Event{Totals: r.totals, Done: r.done, Of: r.of})
		}
		return err
	})
	b.source.release(ctx)
	r.totals.Others = seen.Others
	if _, inOrder := b.source.(*queue); inOrder {
		return r.totals, "", err // SQS gives its messages in no order, and not all of them
	}
	return r.totals, fmt.Sprintf("%x", sum.Sum(nil)), err
}

func add(sum hash.Hash, id string) {
	_, _ = sum.Write([]byte(id)) // a hash takes everything
	_, _ = sum.Write([]byte{0})
}

// confirm holds a redrive to its preview: the same order, the same records, no letter
// that came later.
func (x *Letters) confirm(ctx context.Context, b *Box, o Order, token string) error {
	if err := o.check(b); err != nil {
		return err
	}
	x.mu.Lock()
	p, ok := x.previews[token]
	delete(x.previews, token)
	x.mu.Unlock()
	if !ok || time.Now().After(p.until) {
		return ErrNoPreview
	}
	if p.order != o.signature(b) {
		return fmt.Errorf("the token is of another order: %w", ErrChanged)
	}
	if t, isTopic := b.source.(*topic); isTopic {
		t.end = p.ends
	}
	if p.sum == "" {
		return nil // there is nothing to hold it to
	}
	_, sum, err := b.survey(ctx, o, nil)
	if err == nil && sum != p.sum {
		err = ErrChanged
	}
	return err
}
