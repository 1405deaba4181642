package kafka

import (
	"strings"

	"gantry/mapping"
)

// Need is what gantry must be allowed to do with one resource of a cluster. Kafka lets
// whoever may Read, Write, Alter or Delete something describe it as well, so Describe is
// not among them.
type Need struct {
	Resource  string // topic or group
	Name      string
	Operation string // as kafka-acls names it
	For       string // what it is needed for
	Optional  bool   // gantry works without it; For says what is missing then
}

// Needs are the permissions a mapping takes on its cluster, and no more: with one of those
// that are not optional taken away it does not run.
func Needs(m mapping.Mapping) []Need {
	var needs []Need
	for _, topic := range m.Source.Topics {
		needs = append(needs,
			Need{Resource: "topic", Name: topic, Operation: "Read", For: "to fetch its records"},
			Need{Resource: "topic", Name: topic, Operation: "DescribeConfigs", For: "to know how long its records are kept", Optional: true})
	}
	needs = append(needs, Need{Resource: "group", Name: m.GroupID, Operation: "Read", For: "to be a member and to commit"})
	if topic, ok := strings.CutPrefix(m.OnFailure, "kafka://"); ok {
		needs = append(needs,
			Need{Resource: "topic", Name: topic, Operation: "Write", For: "to write dead letters"},
			Need{Resource: "topic", Name: topic, Operation: "DescribeConfigs", For: "to know how large a dead letter may be", Optional: true})
	}
	return append(needs, outputNeeds(m)...)
}

// outputNeeds are those of the topics that answers go to, where they are on the same cluster.
// A transaction takes Write on the transactional id as well, whose name has this process in
// it: the guide says so.
func outputNeeds(m mapping.Mapping) []Need {
	o := m.Output
	if o == nil || (o.Cluster != "" && o.Cluster != m.Source.Cluster) {
		return nil
	}
	var needs []Need
	for _, topic := range append([]string{o.Topic}, o.Topics...) {
		if topic != "" {
			needs = append(needs,
				Need{Resource: "topic", Name: topic, Operation: "Write", For: "to write the function's answers"},
				Need{Resource: "topic", Name: topic, Operation: "DescribeConfigs", For: "to know how large a record may be", Optional: true})
		}
	}
	return needs
}
