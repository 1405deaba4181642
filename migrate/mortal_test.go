package migrate_test

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"

	"gantry/mapping"
	"gantry/migrate"
	"gantry/store"
)

// mortal is a store whose process dies at a write. A process that is dead does nothing more:
// its goroutine ends at its next call.
type mortal struct {
	store.Store
	d *dying
}

func (s *mortal) Put(ctx context.Context, doc store.Document, by store.Write) (int64, error) {
	s.lives()
	dies := s.d.at(describe(ctx, s.Store, doc))
	if dies && !s.d.kept {
		runtime.Goexit()
	}
	version, err := s.Store.Put(ctx, doc, by)
	if dies {
		runtime.Goexit()
	}
	return version, err
}

func (s *mortal) Get(ctx context.Context, kind store.Kind, id string) (store.Document, error) {
	s.lives()
	return s.Store.Get(ctx, kind, id)
}

func (s *mortal) lives() {
	if s.d.isDead() {
		runtime.Goexit()
	}
}

// describe names a write so that the same one has the same name in another life.
func describe(ctx context.Context, kept store.Store, doc store.Document) string {
	switch doc.Kind {
	case store.Plans:
		var s migrate.Stored
		_ = json.Unmarshal(doc.Body, &s)
		var before migrate.Stored
		if had, err := kept.Get(ctx, doc.Kind, doc.ID); err == nil {
			_ = json.Unmarshal(had.Body, &before)
		}
		if before.Epoch != s.Epoch {
			return fmt.Sprintf("plan %s at opening", s.State)
		}
		return fmt.Sprintf("plan %s", s.State)
	case store.Mappings:
		var m mapping.Mapping
		_ = json.Unmarshal(doc.Body, &m)
		return fmt.Sprintf("mapping %s enabled %t", m.Name, m.Enabled)
	}
	return string(doc.Kind) + " " + doc.ID
}
