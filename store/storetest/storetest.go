// Package storetest is the one suite every implementation of store.Store passes: what
// it asks for is what package store promises.
package storetest

import (
	"testing"

	"gantry/store"
)

// Open opens a store. Each call of Reopen closes the store and opens what it left; an
// implementation that forgets has none.
type Open func(t *testing.T) (s store.Store, reopen func() store.Store)

// Run runs the whole suite.
func Run(t *testing.T, open Open) {
	for name, test := range map[string]func(*testing.T, store.Store){
		"a document is created, read, replaced and deleted": documentLife,
		"a version that is not current is a conflict":       conflicts,
		"a deleted version never comes back":                deletedVersions,
		"documents are listed in order of id":               listing,
		"bytes are not shared with callers":                 sharing,
		"bad documents change nothing":                      badDocuments,
		"typed values come back as they were":               typedValues,
		"a document with unknown members is newer":          unknownMembers,
		"one writer of many wins a version":                 oneWinner,
		"many changes of one document lose none":            noLostChange,
		"watching wakes, coalesces and ends":                watching,
		"watchers and writers at once":                      watchersAtOnce,
		"reports are kept for each process":                 reports,
		"a ledger is read in the order it was written":      ledgerOrder,
		"appends at once have one order":                    ledgerAtOnce,
		"a queue is read in the order it was filled":        queueOrder,
		"items are replaced and removed":                    queueChanges,
		"a sequence never comes back":                       queueSequences,
		"pushes and removals at once lose nothing":          queueAtOnce,
		"an ended context does nothing":                     endedContext,
		"a closed store says so":                            closedStore,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, _ := open(t)
			test(t, s)
		})
	}
	t.Run("everything is there after reopening", func(t *testing.T) {
		t.Parallel()
		s, reopen := open(t)
		if reopen == nil {
			t.Skip("this store forgets when it is closed")
		}
		afterReopening(t, s, reopen)
	})
	t.Run("what waits is there after reopening", func(t *testing.T) {
		t.Parallel()
		s, reopen := open(t)
		if reopen == nil {
			t.Skip("this store forgets when it is closed")
		}
		queueAfterReopening(t, s, reopen)
	})
}
