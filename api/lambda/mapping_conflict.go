package lambda

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"gantry/mapping"
	"gantry/store"
)

// mappings are the stored mappings, by UUID.
func (s *Server) mappings() store.Typed[mapping.Mapping] { return store.MappingsOf(s.cfg.Store) }

// conflicts refuses a mapping that would do another one's work: the same function on the
// same source and topics, or the same consumer group. A mapping that is being deleted
// still counts: it is a member of its group until it has stopped.
func (s *Server) conflicts(ctx context.Context, m *mapping.Mapping) error {
	if faults := m.OutputFaults(); len(faults) > 0 {
		return invalid("The output of the mapping can not be: %s.", strings.Join(texts(faults), "; "))
	}
	others, err := s.mappings().List(ctx)
	if err != nil {
		return err
	}
	for i := range others {
		other := &others[i].Value
		if other.UUID == m.UUID {
			continue
		}
		if s.sameWork(m, other) {
			return conflict("%s already exists. Please update or delete the existing mapping with UUID %s", s.work(m), other.UUID)
		}
		if other.GroupID == m.GroupID {
			return conflict("The consumer group ID %s is used by the event source mapping with UUID %s. "+
				"It must be unique among all Kafka event sources: choose another, or delete that mapping first.", m.GroupID, other.UUID)
		}
	}
	return nil
}

func (s *Server) sameWork(a, b *mapping.Mapping) bool {
	sameSource := a.Source.ARN != "" && a.Source.ARN == b.Source.ARN || meet(a.Source.Bootstrap, b.Source.Bootstrap)
	if cluster := s.clusterOf(a); cluster != "" && cluster == s.clusterOf(b) {
		sameSource = true
	}
	return sameSource && meet(a.Source.Topics, b.Source.Topics) && meet(functionsOf(a), functionsOf(b))
}

// clusterOf names the configured cluster a mapping reads, however it names that itself.
func (s *Server) clusterOf(m *mapping.Mapping) string {
	if m.Source.Cluster != "" {
		return m.Source.Cluster
	}
	return s.cfg.Cluster(m.Source)
}

// functionsOf names the functions of a mapping. There is one version of each, so a
// qualifier of $LATEST makes no difference.
func functionsOf(m *mapping.Mapping) []string {
	return m.Names()
}

func meet(a, b []string) bool {
	return slices.ContainsFunc(a, func(x string) bool { return slices.Contains(b, x) })
}

// work says what a mapping does in the words AWS uses for it.
func (s *Server) work(m *mapping.Mapping) string {
	source := fmt.Sprintf(`event source ("%s")`, orElse(strings.Join(m.Source.Bootstrap, ","), m.Source.Cluster))
	if m.Source.ARN != "" {
		source = fmt.Sprintf(`event source arn ("%s")`, m.Source.ARN)
	}
	var functions []string
	for _, c := range m.Functions {
		functions = append(functions, s.functionARN(c.Function, c.Qualifier))
	}
	return fmt.Sprintf(`An event source mapping with %s, function ("%s"), topics ("%s")`, source,
		strings.Join(functions, `", "`), strings.Join(m.Source.Topics, `", "`))
}

func texts(faults []error) []string {
	var out []string
	for _, err := range faults {
		out = append(out, err.Error())
	}
	return out
}
