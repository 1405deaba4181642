package assess

import (
	"slices"

	"gantry/migrate/assess/index"
	"gantry/workload"
)

// topics gives every topic by itself: what flows through it, who reads it, and who is known
// to write it.
func topics(s workload.Survey, services []workload.Service) []workload.TopicTraffic {
	readers, writers := map[string][]string{}, map[string][]string{}
	for _, svc := range services {
		for _, t := range svc.Reads {
			readers[t] = append(readers[t], svc.Group)
		}
		for _, t := range svc.Facts.Writes.Value {
			writers[t] = append(writers[t], svc.Group)
		}
	}
	out := make([]workload.TopicTraffic, 0, len(s.Topics))
	for _, t := range s.Topics {
		alone := workload.Survey{Topics: []workload.Topic{t}}
		line := workload.TopicTraffic{
			Name: t.Name, Internal: t.Internal, Replicas: t.Replicas, Compacted: t.Compacted, Transactional: t.Transactional, Retention: t.Retention,
			DiskBytes: t.DiskBytes, Writers: t.ActiveWriters, Headers: t.HeaderNames, Traffic: index.Of(alone, workload.Group{Topics: []string{t.Name}}),
			Readers: slices.Sorted(slices.Values(readers[t.Name])), WrittenBy: slices.Sorted(slices.Values(writers[t.Name])),
		}
		if t.Sample != nil {
			line.Compression = t.Sample.Compression
		}
		out = append(out, line)
	}
	return out
}
