package admin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gantry/declare"
	"gantry/function"
	"gantry/store"
	"gantry/store/code"
)

// application is a file to be applied, with the packages its functions' folders hold:
// gantry may run on another machine than the one who applies.
type application struct {
	Name   string            `json:"name"`
	File   string            `json:"file"`
	Code   map[string][]byte `json:"code"` // function → zip
	DryRun bool              `json:"dryRun"`
	Prune  bool              `json:"prune"`
}

type applied struct {
	Changes []declare.Change `json:"changes"`
	Applied bool             `json:"applied"`
}

func (s *Server) apply(ctx context.Context, c call[application]) (applied, error) {
	file, err := declare.Parse([]byte(c.In.File), declare.Identity{
		Name: c.In.Name, Dir: "/", Region: s.cfg.Region, AccountID: s.cfg.AccountID, Clusters: s.cfg.Clusters, Networks: s.cfg.Networks,
		Integration: s.cfg.Integration,
	})
	if err != nil {
		return applied{}, err
	}
	if err := errors.Join(s.reach(file, c.In.Name), missing(file, c.In)); err != nil {
		return applied{}, badInput(err.Error())
	}
	if err := s.packages(ctx, file, c.In); err != nil {
		return applied{}, err
	}
	by := store.Write{Actor: s.cfg.Actor(ctx), Reason: "apply " + c.In.Name}
	a := declare.Applier{Store: s.cfg.Store, Source: s.cfg.Engine, Now: time.Now, Notes: s.cfg.Notes}
	changes, err := a.Apply(ctx, file, declare.Options{DryRun: c.In.DryRun, Prune: c.In.Prune, By: by})
	for _, change := range changes {
		if change.Action != declare.Unchanged && change.Action != declare.Keep && !c.In.DryRun {
			s.cfg.Audit.Record(ctx, store.Change{By: by, Action: "apply-" + string(change.Action), Kind: change.Kind, ID: change.Name, Before: change.Before, After: change.After})
		}
	}
	return applied{changes, !c.In.DryRun && err == nil}, err
}

// reach lets the mappings read the clusters as gantry knows them, whatever the file says
// of them: how to reach a cluster is told to gantry serve, at its start.
func (s *Server) reach(file *declare.File, name string) error {
	faults := &declare.Faults{File: name}
	for i := range file.Mappings {
		m := &file.Mappings[i]
		if m.Source.Cluster == "" {
			continue
		}
		cluster, ok := s.cfg.Clusters[m.Source.Cluster]
		if !ok {
			faults.List = append(faults.List, file.Fault(*m, "cluster", "this gantry has no cluster %q; "+
				"add it to clusters: of the file that gantry serve reads, and start it again", m.Source.Cluster))
			continue
		}
		m.Source.Bootstrap, m.Source.ARN = cluster.Brokers, cluster.ARN
	}
	if len(faults.List) > 0 {
		return faults
	}
	return nil
}

// missing names every package that should have come with the file.
func missing(file *declare.File, in application) error {
	var errs []error
	for _, fn := range file.Functions {
		if _, ok := in.Code[fn.Name]; fn.Kind == function.Process && !ok {
			errs = append(errs, fmt.Errorf("functions.%s.code: the package is missing from the request", fn.Name))
		}
	}
	return errors.Join(errs...)
}

// packages checks the uploaded code and lets the functions of the file have it. Only
// what is applied is kept.
func (s *Server) packages(ctx context.Context, file *declare.File, in application) error {
	var refused []error
	for i := range file.Functions {
		fn := &file.Functions[i]
		if fn.Kind != function.Process {
			continue
		}
		zip := in.Code[fn.Name]
		if err := s.cfg.Code.Check(zip); err != nil {
			refused = append(refused, fmt.Errorf("functions.%s.code: %w", fn.Name, err))
			continue
		}
		fn.Code = code.Describe(zip)
	}
	if len(refused) > 0 || in.DryRun {
		return errors.Join(refused...)
	}
	for _, fn := range file.Functions {
		if fn.Kind != function.Process {
			continue
		}
		if _, err := s.cfg.Code.Save(ctx, in.Code[fn.Name]); err != nil {
			return fmt.Errorf("functions.%s.code: %w", fn.Name, err)
		}
	}
	return nil
}
