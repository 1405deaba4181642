package mapping

import (
	"fmt"
	"slices"
	"strings"
)

// TopicNames are the topics of a source in one word, as its functions are named.
func (s Source) TopicNames() string { return strings.Join(s.Topics, ",") }

// Topic is the topic that somebody means who names it, or names none where there is only
// one.
func (s Source) Topic(named string) (string, error) {
	reads := strings.Join(s.Topics, ", ")
	switch {
	case slices.Contains(s.Topics, named):
		return named, nil
	case len(s.Topics) == 1 && named == "":
		return s.Topics[0], nil
	case len(s.Topics) == 1:
		return "", fmt.Errorf("topic: the mapping reads %s only", reads)
	case named == "":
		return "", fmt.Errorf("topic: the mapping reads %s: say which (on the command line with the partition: --partition %s-0)", reads, s.Topics[0])
	}
	return "", fmt.Errorf("topic: the mapping reads %s, not %s", reads, named)
}

// Positioned says whether it is known where the mapping begins in every topic.
func (m *Mapping) Positioned() bool {
	return !slices.ContainsFunc(m.Source.Topics, func(topic string) bool { return len(m.Positions[topic]) == 0 })
}
