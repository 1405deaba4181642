package demo

import "time"

// Frame is the demo at one moment, ready to be drawn. It holds no pointer into anything
// that moves.
type Frame struct {
	Elapsed  time.Duration
	Limit    time.Duration // 0 = until Ctrl-C
	Starting bool          // the mappings have not joined yet
	Draining bool          // the services have stopped, what is left is worked off
	Endpoint string
	Topics   []TopicFrame
	Stages   []StageFrame
	Objects  int64
	Stored   int64 // records in the bucket
	Notes    []string
	Last     BatchFrame   // the newest batch
	Notable  []BatchFrame // the newest that failed or were named in part, newest first
}

// TopicFrame is a topic on the left.
type TopicFrame struct {
	Name       string
	Records    int64
	PerSecond  float64
	History    []float64 // records a second, oldest first
	Partitions []PartitionFrame
}

// PartitionFrame is one partition; Lag is that of the slowest mapping.
type PartitionFrame struct {
	Index int32
	End   int64
	Lag   int64
}

// StageFrame is one mapping and its function in the middle.
type StageFrame struct {
	Mapping   string
	Label     string
	Effect    string
	Topic     string
	Running   bool
	Problem   string
	Processed int64
	Filtered  int64
	PerSecond float64 // records processed
	Calls     float64 // invocations a second
	Flying    int
	Retries   int64 // records sent again
	Dead      int64
	Lag       int64
}

// BatchFrame is one batch and what became of it.
type BatchFrame struct {
	At      time.Time
	Stage   string
	Where   string
	Records int
	Elapsed time.Duration
	Failed  bool
	Text    string
}

// stage finds the frame of a mapping.
func (f *Frame) stage(mapping string) StageFrame {
	for _, s := range f.Stages {
		if s.Mapping == mapping {
			return s
		}
	}
	return StageFrame{Mapping: mapping}
}

// topic finds the frame of a topic.
func (f *Frame) topic(name string) TopicFrame {
	for _, t := range f.Topics {
		if t.Name == name {
			return t
		}
	}
	return TopicFrame{Name: name}
}
