package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"gantry/declare"
	"gantry/function"
	"gantry/store"
	"gantry/target/process"
)

// checkUsers says at the start, all at once, which users of a file functions can't run as.
func checkUsers(f *declare.File) error {
	errs := []error{process.CheckUser(f.User)}
	for _, fn := range f.Functions {
		if err := process.CheckUser(fn.User); err != nil {
			errs = append(errs, fmt.Errorf("functions.%s: %w", fn.Name, err))
		}
	}
	return errors.Join(errs...)
}

// isolate cleans up what functions of an earlier run left, and takes the control groups,
// if gantry was given any.
func (s *server) isolate() *process.Cgroups {
	log := s.opts.log
	if err := process.RemoveStale(s.dataDir()); err != nil {
		log.Warn("what functions of an earlier run left could not be removed", "event", "isolation.not_cleaned", "error", err)
	}
	groups, err := process.OpenCgroups()
	if reason := err; reason != nil || !groups.LimitsMemory() {
		if reason == nil {
			reason = errors.New("the control group gantry was started in has no memory controller to give, or holds other processes")
		}
		log.Info("the memory of functions is watched every 250 ms; give gantry a control group with the memory controller to have the kernel hold it",
			"event", "isolation.memory_watched", "reason", reason)
	}
	if err != nil {
		return nil
	}
	s.closers = append(s.closers, groups)
	return groups
}

// exposures says what functions that run here are not kept from.
func (s *server) exposures(ctx context.Context) {
	items, err := store.FunctionsOf(s.store).List(ctx)
	functions := s.opts.file.Functions
	for _, item := range items {
		functions = append(functions, item.Value)
	}
	if err != nil {
		s.opts.log.Warn("the stored functions could not be listed", "error", err)
	}
	for _, text := range (process.Config{User: s.opts.file.User, DataDir: s.dataDir()}).Exposed(unique(functions)) {
		s.opts.log.Warn("not isolated: "+text, "event", "isolation.gap")
	}
}

// notes says what an owner should know of how a function runs here: at its creation, and
// in describe.
func (s *server) notes(fn function.Function) []string {
	if fn.Kind != function.Process {
		return nil
	}
	out := []string{s.opts.file.Roles.Grants(fn.Role)}
	if cmp.Or(fn.User, s.opts.file.User) == "" {
		out = append(out, "it runs as gantry's own user and can read the files that gantry can")
	}
	return out
}

// unique leaves one of each name: a file's functions are in the store too, but for the
// first start.
func unique(functions []function.Function) []function.Function {
	var out []function.Function
	seen := map[string]bool{}
	for _, fn := range functions {
		if !seen[fn.Name] {
			seen[fn.Name] = true
			out = append(out, fn)
		}
	}
	return out
}
