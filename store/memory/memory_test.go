package memory_test

import (
	"testing"

	"gantry/store"
	"gantry/store/memory"
	"gantry/store/storetest"
)

func TestMemory(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(*testing.T) (store.Store, func() store.Store) { return memory.New(), nil })
}
