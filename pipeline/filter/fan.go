package filter

import "gantry/record"

// Fan is the filters of several functions. It notes in a record which of them want it. It
// never changes, and is safe for use by many goroutines.
type Fan struct{ sets []*Set }

// NewFan joins the filters of functions, in their order; a nil Set keeps everything.
func NewFan(sets ...*Set) *Fan { return &Fan{sets} }

// Keep notes in a record which functions want it, and says whether any does.
func (f *Fan) Keep(rec *record.Record) bool {
	rec.Wants = 0
	for i, s := range f.sets {
		if s.Keep(rec) {
			rec.Wants |= 1 << i
		}
	}
	return rec.Wants != 0
}
