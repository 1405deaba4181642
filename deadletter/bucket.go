package deadletter

import (
	"context"
	"fmt"
	"path"
	"strings"
	"time"

	"gantry/cloud/places"
	"gantry/mapping"
)

// bucket is an S3 bucket with letters, below a prefix.
type bucket struct {
	places.Bucket
	prefix string
}

// letterPrefix begins the names of a mapping's letters.
func letterPrefix(m mapping.Mapping) string { return "aws/lambda/" + m.UUID + "/" }

// walk hands the letters over in order of key, which is that of partition and time.
func (b bucket) walk(ctx context.Context, w Walk, each func(*Letter) error) error {
	after, seen := w.After, int64(0)
	for {
		objects, more, err := b.List(ctx, b.prefix, after)
		if err != nil {
			return err
		}
		for _, o := range objects {
			after = o.Key
			seen++
			w.progress(seen, 0)
			if outside(o, w) {
				continue
			}
			l, err := b.find(ctx, o.Key)
			if places.IsMissing(err) {
				continue // removed meanwhile
			}
			if err != nil {
				return err
			}
			if err := each(&l); err != nil {
				return err
			}
		}
		if !more || len(objects) == 0 {
			w.progress(seen, seen)
			return nil
		}
	}
}

// outside spares reading an object that is none of a letter's, or of another time. Its
// name says when the letter was written; a repeated delivery may be later than that.
func outside(o places.Object, w Walk) bool {
	_, name := path.Split(o.Key)
	if len(name) < len("2006-01-02T15.04.05-") {
		return true
	}
	at, err := time.Parse("2006-01-02T15.04.05-", name[:len("2006-01-02T15.04.05-")])
	if err != nil || strings.HasSuffix(o.Key, "/") {
		return true
	}
	return !w.Since.IsZero() && at.Add(time.Second).Before(w.Since) || !w.Until.IsZero() && at.After(w.Until)
}

func (b bucket) find(ctx context.Context, key string) (Letter, error) {
	body, meta, err := b.Get(ctx, key)
	if err != nil {
		return Letter{}, err
	}
	l, ok := read(body)
	if !ok {
		return l, fmt.Errorf("object %q: %w", key, ErrNoLetter)
	}
	l.ID = key
	l.attributes(meta)
	return l, nil
}

// done tags the object, so that a lifecycle rule may remove it. The ledger is what counts.
func (b bucket) done(ctx context.Context, l *Letter) error {
	return b.Tag(ctx, l.ID, map[string]string{"gantry-redriven": time.Now().UTC().Format(time.RFC3339)})
}

func (b bucket) release(context.Context) {}
