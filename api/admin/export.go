package admin

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"gantry/cloud"
	"gantry/doctor"
	"gantry/function"
	"gantry/kafka"
	"gantry/mapping"
	"gantry/migrate/export"
)

// export writes mappings as a template for AWS.
func (s *Server) export(ctx context.Context, c call[none]) (export.Result, error) {
	chosen, err := s.chosen(ctx, c.query["mapping"])
	if err != nil {
		return export.Result{}, err
	}
	var cases []export.Case
	for _, m := range chosen {
		functions := map[string]function.Function{}
		for _, consumer := range m.Functions {
			fn, _, err := s.functions.Get(ctx, consumer.Function)
			if err != nil {
				return export.Result{}, fmt.Errorf("mapping %s: function %s: %w", m.UUID, consumer.Function, err)
			}
			functions[fn.Name] = fn
		}
		cases = append(cases, ExportCase(m, functions, s.entryOf(m), s.cfg.Sections.Roles))
	}
	out, err := export.Make(cases, export.Options{
		Kind: export.Kind(c.path("kind")), Accept: words(c.query["accept"]), Values: s.cfg.Secrets != nil && s.cfg.Secrets(ctx),
	})
	if err != nil {
		return out, badInput(err.Error())
	}
	return out, nil
}

// chosen are the mappings of these names, or all.
func (s *Server) chosen(ctx context.Context, names []string) ([]mapping.Mapping, error) {
	var out []mapping.Mapping
	for _, name := range names {
		m, err := s.find(ctx, name)
		if err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	if len(names) > 0 {
		return out, nil
	}
	items, err := s.mappings.List(ctx)
	for _, item := range items {
		if !item.Value.Deleting {
			out = append(out, item.Value)
		}
	}
	if err == nil && len(out) == 0 {
		err = badInput("there is no mapping to export")
	}
	return out, err
}

// words cuts lists with commas.
func words(lists []string) []string {
	var out []string
	for _, list := range lists {
		for _, word := range strings.Split(list, ",") {
			if word = strings.TrimSpace(word); word != "" {
				out = append(out, word)
			}
		}
	}
	return out
}

// ExportCase is a mapping as it is exported. Its role in AWS is granted what gantry is
// granted for it here, where AWS does the same: nothing is invoked, no answer is written,
// and secrets are those of the template.
func ExportCase(m mapping.Mapping, functions map[string]function.Function, entry kafka.Config, roles cloud.Roles) export.Case {
	c := export.Case{Mapping: m, Functions: functions, Cluster: entry, Roles: roles}
	needs := doctor.Needing{Mapping: m, Functions: []function.Function{{Kind: function.Process}}}
	needs.Mapping.UUID, needs.Mapping.Output, needs.Mapping.Source.Access = "*", nil, nil
	needs.Cluster.ARN = entry.ARN
	if m.Source.ARN != "" {
		needs.Cluster.ARN = m.Source.ARN
	}
	signs := entry.SASL != nil && entry.SASL.Mechanism == kafka.MSKIAM
	if len(m.Source.Identity()) > 0 {
		signs = m.Source.Identity()[0].Type == mapping.IAM
	}
	if signs {
		needs.Cluster.SASL = &kafka.SASLConfig{Mechanism: kafka.MSKIAM}
	}
	for _, statement := range doctor.PolicyFor(needs).Policy.Statement {
		c.Grants = append(c.Grants, export.Grant{Sid: statement.Sid, Actions: statement.Action, Resources: statement.Resource})
	}
	return c
}

var errNoAWS = errors.New("this gantry has no road to AWS")
