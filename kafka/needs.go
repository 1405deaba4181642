package kafka

import (
	"slices"
	"strings"

	"gantry/mapping"
)

// Need is what gantry must be allowed to do with one resource of a cluster. Kafka lets
// whoever may Read, Write, Alter or Delete something describe it as well, so Describe is
// not among them.
type Need struct {
	Resource  string // topic, group or transactional-id
	Name      string
	Prefixed  bool   // Name is how the names begin
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
	if o := m.Output; o != nil && !elsewhere(m) {
		needs = append(needs, outputNeeds(o)...)
		if o.Transactional {
			needs = append(needs, Need{
				Resource: "transactional-id", Name: m.TransactionPrefix(), Prefixed: true, Operation: "Write",
				For: "to write answers and offsets in one transaction, each process under an id of its own",
			})
		}
	}
	return needs
}

// NeedsElsewhere are those on the cluster of the output, where that is not the source's.
func NeedsElsewhere(m mapping.Mapping) []Need {
	if !elsewhere(m) {
		return nil
	}
	return outputNeeds(m.Output)
}

func elsewhere(m mapping.Mapping) bool {
	return m.Output != nil && m.Output.Cluster != "" && m.Output.Cluster != m.Source.Cluster
}

func outputNeeds(o *mapping.Output) []Need {
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

// RedriveNeeds are what redriving the dead letters of a mapping takes beside its Needs.
func RedriveNeeds(m mapping.Mapping) []Need {
	if m.OnFailure == "" {
		return nil
	}
	var needs []Need
	beside, onTopic := strings.CutPrefix(m.OnFailure, "kafka://")
	if onTopic {
		needs = append(needs, Need{Resource: "topic", Name: beside, Operation: "Read", For: "to read dead letters"})
	} else {
		var others []string
		beside, others = RedriveLedgers(m.Source)
		for _, topic := range others {
			needs = append(needs, Need{Resource: "topic", Name: topic + RedriveLedgerSuffix, Operation: "Read", For: "to know what was redriven while the mapping read other topics"})
		}
	}
	ledger := beside + RedriveLedgerSuffix
	needs = append(needs,
		Need{Resource: "topic", Name: ledger, Operation: "Create", For: "to make the ledger of what was redriven, unless you make it", Optional: true},
		Need{Resource: "topic", Name: ledger, Operation: "Read", For: "to know what was redriven"},
		Need{Resource: "topic", Name: ledger, Operation: "Write", For: "to note what is redriven"},
		Need{Resource: "transactional-id", Name: RedriveIDPrefix + ledger, Operation: "Write", For: "to redrive each record once"})
	for _, topic := range m.Source.Topics {
		needs = append(needs, Need{Resource: "topic", Name: topic, Operation: "Write", For: "to put records back, with --to topic", Optional: true})
	}
	return needs
}

// RedriveLedgers are the topics of a source beside which the ledger of letters in AWS may
// lie: the one that it is written beside, and the others, where it was written while the
// mapping read those alone. In whatever order a file names topics, the first is the same.
func RedriveLedgers(src mapping.Source) (beside string, others []string) {
	topics := slices.Sorted(slices.Values(src.Topics))
	if len(topics) == 0 {
		return "", nil
	}
	return topics[0], topics[1:]
}

// The names of what a redrive uses: the topic of its ledger is that of the letters, or of
// the source where letters lie in AWS, with the suffix; its transactional id is the ledger's
// topic with the prefix.
const (
	RedriveLedgerSuffix = ".redriven"
	RedriveIDPrefix     = "gantry-redrive-"
)
