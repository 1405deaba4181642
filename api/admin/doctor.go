package admin

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"gantry/doctor"
	"gantry/function"
	"gantry/kafka"
	"gantry/mapping"
)

// Doctor examines what gantry's configuration leads to.
type Doctor interface {
	Cluster(ctx context.Context, name string, topics []string, group string) doctor.Report
	Road(ctx context.Context, functions []function.Function) doctor.Report
	Mapping(ctx context.Context, c doctor.Case) doctor.Report
}

func (s *Server) examineCluster(ctx context.Context, c call[none]) (doctor.Report, error) {
	name := c.path("name")
	if _, ok := s.cfg.Clusters[name]; !ok {
		return doctor.Report{}, &apiError{404, "ResourceNotFoundException", fmt.Sprintf("cluster %q is not in clusters: of this gantry's file", name)}
	}
	return s.cfg.Doctor.Cluster(ctx, name, c.query["topic"], c.query.Get("group")), nil
}

func (s *Server) examineAWS(ctx context.Context, _ call[none]) (doctor.Report, error) {
	items, err := s.functions.List(ctx)
	if err != nil {
		return doctor.Report{}, err
	}
	var functions []function.Function
	for _, item := range items {
		functions = append(functions, item.Value)
	}
	return s.cfg.Doctor.Road(ctx, functions), nil
}

func (s *Server) examineMapping(ctx context.Context, c call[none]) (doctor.Report, error) {
	m, err := s.find(ctx, c.path("id"))
	if err != nil {
		return doctor.Report{}, err
	}
	status := s.cfg.Engine.Status(m.UUID)
	found := doctor.Case{Mapping: m, Running: &status, Functions: map[string]function.Function{}}
	for _, name := range m.Names() {
		if fn, _, err := s.functions.Get(ctx, name); err == nil {
			found.Functions[fn.Name] = fn
		}
	}
	for _, st := range s.cfg.Engine.Standing(ctx) {
		if st.Mapping.UUID == m.UUID {
			v := standingOf(st)
			found.Standing = append(found.Standing, fmt.Sprintf("%s-%d at offset %d (%s)", v.Topic, v.Partition, v.Offset, v.Error))
		}
	}
	return s.cfg.Doctor.Mapping(ctx, found), nil
}

// accessLists are the ACLs a mapping needs, for the principal gantry is to its cluster
// where that is known and none is given.
func (s *Server) accessLists(ctx context.Context, c call[none]) (doctor.ACLs, error) {
	m, err := s.find(ctx, c.path("id"))
	if err != nil {
		return doctor.ACLs{}, err
	}
	needs := kafka.Needs(m)
	if c.query.Get("redrive") == "true" {
		needs = append(needs, kafka.RedriveNeeds(m)...)
	}
	optional := c.query.Get("optional") == "true"
	lists := s.listsFor(ctx, c, m.Source, needs, optional)
	if needs := kafka.NeedsElsewhere(m); len(needs) > 0 {
		lists = lists.And(s.listsFor(ctx, c, mapping.Source{Cluster: m.Output.Cluster}, needs, optional))
	}
	return lists, nil
}

func (s *Server) listsFor(ctx context.Context, c call[none], src mapping.Source, needs []kafka.Need, optional bool) doctor.ACLs {
	principal, server := c.query.Get("principal"), strings.Join(src.Bootstrap, ",")
	if cluster, err := s.cfg.Kafka.Resolve(ctx, src); err == nil { // without it there are names to be filled in
		principal, server = cmp.Or(principal, cluster.Principal(ctx)), strings.Join(cluster.Brokers, ",")
	}
	return doctor.AccessLists(needs, cmp.Or(principal, kafka.UnknownPrincipal), cmp.Or(server, "BROKER"), optional)
}

func (s *Server) policy(ctx context.Context, c call[none]) (doctor.IAM, error) {
	m, err := s.find(ctx, c.path("id"))
	if err != nil {
		return doctor.IAM{}, err
	}
	var functions []function.Function
	for _, name := range m.Names() {
		fn, _, err := s.functions.Get(ctx, name)
		if err != nil {
			return doctor.IAM{}, fmt.Errorf("function %s: %w", name, err)
		}
		functions = append(functions, fn)
	}
	return doctor.PolicyFor(doctor.Needing{Mapping: m, Functions: functions, Cluster: s.entryOf(m), Sections: s.cfg.Sections}), nil
}

func (s *Server) entryOf(m mapping.Mapping) kafka.Config { return EntryOf(s.cfg.Clusters, m) }

// EntryOf is the entry of clusters: a mapping belongs to; the zero Config if none.
func EntryOf(clusters map[string]kafka.Config, m mapping.Mapping) kafka.Config {
	if entry, ok := clusters[m.Source.Cluster]; ok {
		return entry
	}
	for _, entry := range clusters {
		if m.Source.ARN != "" && entry.ARN == m.Source.ARN || slices.ContainsFunc(entry.Brokers, func(b string) bool { return slices.Contains(m.Source.Bootstrap, b) }) {
			return entry
		}
	}
	return kafka.Config{}
}
