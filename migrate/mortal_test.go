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
	dies := s.d.at(describe(doc))
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
func describe(doc store.Document) string {
	switch doc.Kind {
	case store.Plans:
		var s migrate.Stored
		_ = json.Unmarshal(doc.Body, &s)
		return fmt.Sprintf("plan %s at opening %d", s.State, s.Epoch)
	case store.Mappings:
		var m mapping.Mapping
		_ = json.Unmarshal(doc.Body, &m)
		return fmt.Sprintf("mapping %s enabled %t", m.Name, m.Enabled)
	}
	return string(doc.Kind) + " " + doc.ID
}
