package plan

import "time"

// Shadow is what a shadow run has shown so far: the functions ran beside the old service on
// the same records, what they wrote was captured, and both outputs were held together.
type Shadow struct {
	Plan    string    `json:"plan"`
	Group   string    `json:"group"` // of the old service
	Began   time.Time `json:"began"`
	Until   time.Time `json:"until"`   // of the newest output that was compared
	Over    bool      `json:"over"`    // the run was ended: nothing is added any more
	Inputs  int64     `json:"inputs"`  // records that both implementations are done with
	Failed  int64     `json:"failed"`  // records that the functions gave up
	Running string    `json:"running"` // what the run does or waits for, for people

	Outputs     []Compared  `json:"outputs"`
	Upper       float64     `json:"upper"` // share of different ones at most, over all outputs, at 95 % confidence
	Coverage    Coverage    `json:"coverage"`
	Gates       []Gate      `json:"gates"`
	Passed      bool        `json:"passed"`                // every gate is
	NotCompared []Uncovered `json:"notCompared,omitempty"` // effects, and what could not be read; never green

	Functions []Measured `json:"functions,omitempty"` // what they took, on this machine
	Revisions []Revision `json:"revisions,omitempty"` // which functions they were when the run began
}

// Measured is what a function took in a shadow run.
type Measured struct {
	Function    string        `json:"function"`
	Invocations int64         `json:"invocations"`
	Records     int64         `json:"records"`            // of the mapping: where there are several functions, what all were given
	Busy        time.Duration `json:"busyNs"`             // spent in invocations
	MemoryMB    int           `json:"memoryMB,omitempty"` // of one process at most; 0 = not known
}

// Compared is one output topic of the old service against what the functions wrote for it.
// Old + New = 2 × (Equal + Masked + Different + Reordered) + Missing + Extra + Seam + Unpaired
// + Pending: every record read is somewhere.
type Compared struct {
	Topic string `json:"topic"`
	Pair  Pair   `json:"pair"`

	Old       int64 `json:"old"` // records read
	New       int64 `json:"new"`
	Pending   int64 `json:"pending"` // the other side may be on its way still
	Equal     int64 `json:"equal"`
	Masked    int64 `json:"masked"`    // equal but for fields that are masked
	Different int64 `json:"different"` // pairs that differ
	Missing   int64 `json:"missing"`   // only the old service wrote it
	Extra     int64 `json:"extra"`     // only the functions did
	Reordered int64 `json:"reordered"` // pairs whose order within their key differs
	Seam      int64 `json:"seam"`      // written around the run's begin and by one side only: not compared
	Unpaired  int64 `json:"unpaired"`  // without the header or the field that pairs them: not compared

	Keys  int     `json:"keys"`  // distinct keys among what was compared
	Upper float64 `json:"upper"` // share of different ones at most, at 95 % confidence (Clopper and Pearson)

	Masks       []Mask       `json:"masks,omitempty"`
	Differences []Difference `json:"differences,omitempty"` // the most frequent first
}

// Judged is how many outputs were compared.
func (c *Compared) Judged() int64 {
	return c.Equal + c.Masked + c.Different + c.Missing + c.Extra + c.Reordered
}

// Wrong is how many of them differ in any way.
func (c *Compared) Wrong() int64 { return c.Different + c.Missing + c.Extra + c.Reordered }

// Judged is how many outputs were compared, over all topics.
func (s *Shadow) Judged() (n int64) {
	for i := range s.Outputs {
		n += s.Outputs[i].Judged()
	}
	return n
}

// Wrong is how many of them differ in any way.
func (s *Shadow) Wrong() (n int64) {
	for i := range s.Outputs {
		n += s.Outputs[i].Wrong()
	}
	return n
}

// Mask is a field that is left out of the comparison.
type Mask struct {
	Path  string `json:"path"`
	Why   string `json:"why"`
	Count int64  `json:"count"` // pairs in which it differed
}

// DifferenceKind is what is wrong with an output.
type DifferenceKind string

// The kinds of differences.
const (
	DifferentFields DifferenceKind = "different"
	MissingOutput   DifferenceKind = "missing"
	ExtraOutput     DifferenceKind = "extra"
	OtherOrder      DifferenceKind = "reordered"
)

// Difference is a set of outputs that differ in the same way.
type Difference struct {
	Kind    DifferenceKind `json:"kind"`
	Paths   []string       `json:"paths,omitempty"` // of DifferentFields: where
	Count   int64          `json:"count"`
	Keys    int            `json:"keys"` // distinct ones
	Samples []Sample       `json:"samples"`
}

// Sample is one of them, to look at.
type Sample struct {
	Key   string       `json:"key"` // as text where it is text, else base64:…
	Old   *Place       `json:"old,omitempty"`
	New   *Place       `json:"new,omitempty"`
	Lines []SampleLine `json:"lines,omitempty"`
}

// SampleLine is one field of a sample: Old and New are JSON, "" where the field is not there.
type SampleLine struct {
	Path string `json:"path"`
	Old  string `json:"old"`
	New  string `json:"new"`
}

// Place is where a record lies.
type Place struct {
	Topic     string    `json:"topic"`
	Partition int32     `json:"partition"`
	Offset    int64     `json:"offset"`
	Time      time.Time `json:"time"`
}

// Coverage is how much of the service's life the comparison saw.
type Coverage struct {
	Keys        int            `json:"keys"`
	HoursOfWeek [7 * 24]int64  `json:"hoursOfWeek"` // outputs compared, by UTC hour; 0 = Monday 00:00
	Partitions  map[string]int `json:"partitions"`  // topic → partitions of it in which something was compared
}

// Hours is how many hours of the week were seen.
func (c *Coverage) Hours() (n int) {
	for _, count := range c.HoursOfWeek {
		if count > 0 {
			n++
		}
	}
	return n
}

// Gate is one condition of a cutover.
type Gate struct {
	Name   string `json:"name"` // the member of gates:
	Want   string `json:"want"`
	Have   string `json:"have"`
	Passed bool   `json:"passed"`
	Why    string `json:"why,omitempty"` // how the figure is meant, and what to try
}

// Uncovered is something that was not compared, and why.
type Uncovered struct {
	What        string `json:"what"`
	Why         string `json:"why"`
	NotEnforced bool   `json:"notEnforced,omitempty"` // nothing but the owner's word keeps it from happening in shadow
}
