package migrate

import (
	"context"
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"gantry/function"
	"gantry/migrate/shadow"
	"gantry/plan"
	"gantry/store"
)

// Revisions implements shadow.Functions: which functions the plan's are now.
func (f *functions) Revisions(ctx context.Context) ([]plan.Revision, error) {
	known := store.FunctionsOf(f.m.cfg.Store)
	var all []plan.Revision
	for _, named := range f.plan.Functions {
		fn, _, err := known.Get(ctx, named.Name)
		if err != nil {
			return nil, fmt.Errorf("function %s: %w; apply the file that declares it first", named.Name, err)
		}
		r := plan.Revision{Function: fn.Name, Changed: fn.LastModified}
		if r.Configuration, err = configurationOf(fn); err != nil {
			return nil, err
		}
		r.Code, r.Unknown = f.m.codeOf(ctx, fn)
		all = append(all, r)
	}
	return all, nil
}

// codeOf is a digest of a function's code, or why there is none.
func (m *Migrations) codeOf(ctx context.Context, fn function.Function) (digest, unknown string) {
	switch {
	case fn.Kind == function.Process && fn.Code.Dir == "":
		return fn.Code.SHA256, ""
	case fn.Kind == function.HTTP:
		return "", "it answers behind HTTP: a change of its code is not seen from here"
	case fn.Kind == function.InProcess:
		return "", "it is a part of gantry"
	case m.cfg.Code == nil:
		return "", "there is nobody to ask"
	}
	digest, err := m.cfg.Code(ctx, fn)
	if err != nil {
		return "", err.Error()
	}
	return digest, ""
}

// rounds make a digest of a configuration dear to guess by: variables may hold what only the
// function should know, and a ledger is read by others.
const rounds = 50_000

// configurationOf is a digest of what a function is run with. What changes nothing of what it
// does is left out: descriptions, tags, policies, and how many of it may run.
func configurationOf(fn function.Function) (string, error) {
	fn.Description, fn.Tags, fn.Policy, fn.RevisionID, fn.LastModified, fn.Declared, fn.File = "", nil, nil, "", time.Time{}, false, ""
	fn.Async, fn.Processes, fn.Concurrency, fn.Code = nil, 0, nil, function.Code{}
	text, err := json.Marshal(fn)
	if err != nil {
		return "", fmt.Errorf("function %s: %w", fn.Name, err)
	}
	sum, err := pbkdf2.Key(sha256.New, string(text), []byte("gantry revision "+fn.Name), rounds, 16)
	return hex.EncodeToString(sum), err
}

// sameFunctions refuses where a function is another one than the one that the newest shadow
// run showed.
func (f *functions) sameFunctions(ctx context.Context, lines []plan.Line) error {
	s, ok, err := shadow.Last(lines)
	if err != nil || !ok {
		return err // without a run there is nothing to compare with
	}
	now, err := f.Revisions(ctx)
	if err != nil {
		return err
	}
	if others := plan.Others(s.Revisions, now); len(others) > 0 {
		return errors.New("what the shadow run showed was shown by other functions than these: " + strings.Join(others, "; "))
	}
	return nil
}
