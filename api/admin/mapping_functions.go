package admin

import (
	"cmp"

	"gantry/pipeline"
)

// functionState is one of several functions of a mapping in this process.
type functionState struct {
	Function string           `json:"function"`
	Result   string           `json:"processingResult"`
	Detail   string           `json:"detail,omitempty"`
	InFlight int              `json:"inFlight"` // invocations
	Open     int              `json:"open"`     // records given to it that it has not resolved
	Blocked  int              `json:"blocked"`  // lanes that stand
	Counts   map[string]int64 `json:"counts"`   // by AWS's metric names, of those that are a function's
}

// readerView is where one of several functions stands in a partition.
type readerView struct {
	Function string `json:"function"`
	Resume   int64  `json:"resume"` // the first offset it has not resolved
	Open     int    `json:"open"`
}

func (s *Server) functionStates(list []pipeline.FunctionSnapshot) []functionState {
	if len(list) < 2 {
		return nil
	}
	var out []functionState
	for _, f := range list {
		v := functionState{
			Function: f.Name, Result: f.Result, Detail: s.cfg.MaskText(f.Detail), InFlight: f.Flying, Open: f.Open, Blocked: f.Standing,
			Counts: map[string]int64{},
		}
		for _, m := range functionCounters() {
			v.Counts[cmp.Or(m.aws, "Invocations")] = int64(m.read(f.Counts))
		}
		out = append(out, v)
	}
	return out
}
