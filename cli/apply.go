package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"gantry/declare"
	"gantry/function"
	"gantry/integration"
)

func (a *app) applyCommand() *cobra.Command {
	var file string
	var dryRun, prune bool
	c := &cobra.Command{
		Use: "apply -f FILE", Short: "Create or update the functions and mappings of a file",
		Long: `Apply makes gantry agree with a file. What the same file (by its name) declared before
and does not any more is paused and reported; --prune deletes it. What another file
declares, and what was made through the API, is left alone.
--dry-run shows the difference and changes nothing. Folders of functions are packed and
sent, so gantry may run on another machine.`,
		Example: "  gantry apply -f gantry.yaml --dry-run\n  gantry apply -f gantry.yaml --prune",
		Args:    args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			if file == "" {
				return usage(c, errors.New("give a file with -f"))
			}
			return a.apply(c, applying{File: file, DryRun: dryRun, Prune: prune})
		},
	}
	c.Flags().StringVarP(&file, "file", "f", "", "configuration file")
	c.Flags().BoolVar(&dryRun, "dry-run", false, "show the difference, change nothing")
	c.Flags().BoolVar(&prune, "prune", false, "delete what left the file")
	return c
}

// applying is the request; File is the path until it is read.
type applying struct {
	Name   string            `json:"name"`
	File   string            `json:"file"`
	Code   map[string][]byte `json:"code"`
	DryRun bool              `json:"dryRun"`
	Prune  bool              `json:"prune"`
}

func (a *app) apply(c *cobra.Command, in applying) error {
	in.Name = in.File
	text, err := os.ReadFile(in.Name)
	if err != nil {
		return err
	}
	in.File = string(text)
	if in.Code, err = packages(in.Name, text); err != nil {
		return err
	}
	var out struct {
		Changes []declare.Change `json:"changes"`
		Applied bool             `json:"applied"`
	}
	if err := a.do(c.Context(), call{method: "POST", path: "/gantry/v1/apply", in: in, out: &out}); err != nil {
		return err
	}
	return a.show(out, func(w io.Writer) {
		for _, change := range out.Changes {
			row(w, change.Action, change.Kind, change.Name, list(change.Fields), change.Note)
		}
		if in.DryRun {
			fmt.Fprintln(w, "\nnothing was changed (--dry-run)")
		}
	})
}

func list(fields []string) string {
	if len(fields) == 0 {
		return ""
	}
	return fmt.Sprint(fields)
}

// packages packs the folders of the file's functions. Faults of the file are found
// here, with its own lines, as far as gantry's clusters are not needed for it.
func packages(path string, text []byte) (map[string][]byte, error) {
	dir, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	file, err := declare.Parse(text, declare.Identity{Name: path, Dir: dir, AnyCluster: true, Integration: integration.Check})
	if err != nil {
		return nil, &usageError{err: err}
	}
	code := map[string][]byte{}
	for _, fn := range file.Functions {
		if fn.Kind != function.Process {
			continue
		}
		if code[fn.Name], err = pack(fn.Code.Dir); err != nil {
			return nil, fmt.Errorf("%s: functions.%s.code: pack the folder: %w", path, fn.Name, err)
		}
	}
	return code, nil
}
