package admin

import (
	"context"
	"fmt"
	"time"

	"gantry/declare"
	"gantry/function"
	"gantry/store"
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
		Name: c.In.Name, Dir: "/", Region: s.cfg.Region, AccountID: s.cfg.AccountID, Clusters: s.cfg.Clusters,
	})
	if err != nil {
		return applied{}, err
	}
	if err := s.packages(ctx, file, c.In); err != nil {
		return applied{}, err
	}
	by := store.Write{Actor: s.cfg.Actor(ctx), Reason: "apply " + c.In.Name}
	a := declare.Applier{Store: s.cfg.Store, Source: s.cfg.Engine, Now: time.Now}
	changes, err := a.Apply(ctx, file, declare.Options{DryRun: c.In.DryRun, Prune: c.In.Prune, By: by})
	for _, change := range changes {
		if change.Action != declare.Unchanged && change.Action != declare.Keep && !c.In.DryRun {
			s.cfg.Audit.Record(ctx, store.Change{By: by, Action: "apply-" + string(change.Action), Kind: change.Kind, ID: change.Name})
		}
	}
	return applied{changes, !c.In.DryRun && err == nil}, err
}

// packages keeps the uploaded code and lets the functions of the file have it.
func (s *Server) packages(ctx context.Context, file *declare.File, in application) error {
	for i := range file.Functions {
		fn := &file.Functions[i]
		if fn.Kind != function.Process {
			continue
		}
		zip, ok := in.Code[fn.Name]
		if !ok {
			return badInput(fmt.Sprintf("functions.%s.code: the package is missing from the request", fn.Name))
		}
		saved, err := s.cfg.Code.Save(ctx, zip)
		if err != nil {
			return fmt.Errorf("functions.%s.code: %w", fn.Name, err)
		}
		fn.Code = saved
	}
	return nil
}
