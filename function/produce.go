package function

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
)

// Produce is what a function may write to Kafka in the middle of its work: topics of one
// cluster. Everything else is refused.
type Produce struct {
	Cluster string // a name in clusters:
	Topics  []string
}

var topicName = regexp.MustCompile(`^[a-zA-Z0-9._-]{1,249}$`)

// Allows says whether a topic is among them. Nobody's right allows nothing.
func (p *Produce) Allows(topic string) bool { return p != nil && slices.Contains(p.Topics, topic) }

// Faults says what is wrong with a right as it is declared.
func (p *Produce) Faults() []error {
	var errs []error
	if p.Cluster == "" {
		errs = append(errs, errors.New("cluster is missing: a name of the clusters member"))
	}
	if len(p.Topics) == 0 {
		errs = append(errs, errors.New("topics is missing: the topics that the function may write to"))
	}
	for _, topic := range p.Topics {
		if !topicName.MatchString(topic) || topic == "." || topic == ".." {
			errs = append(errs, fmt.Errorf("%q is no topic name", topic))
		}
	}
	return errs
}
