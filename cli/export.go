package cli

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"gantry/api/admin"
	"gantry/migrate/export"
)

// exportFlags are what is exported, and how.
type exportFlags struct {
	kind      export.Kind
	mappings  []string
	all       bool
	accept    []string
	file      string
	overwrite bool
}

func (a *app) exportCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "export sam|cloudformation|terraform|handover", Short: "Take finished mappings to AWS: templates, and the hand-over of a group",
		Long: `Export writes finished mappings as templates for AWS: the functions with their packages,
roles of the least permissions, secrets by where Secrets Manager has them, log groups, and
event source mappings with the same consumer groups, so that AWS goes on where gantry is.

What a mapping uses here and AWS does not have is named, all of it at once, and nothing is
written until it was accepted. handover then gives the group to the mapping in AWS.`,
		Example: "  gantry export sam orders-to-validate -o ./aws\n  gantry export handover orders-to-validate --aws-mapping UUID --dry-run",
		Args:    args(cobra.NoArgs),
		RunE:    func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	for _, kind := range export.Kinds() {
		c.AddCommand(a.exportKindCommand(kind))
	}
	c.AddCommand(a.handOverCommand())
	return c
}

func (a *app) exportKindCommand(kind export.Kind) *cobra.Command {
	f := exportFlags{kind: kind}
	var lacking strings.Builder
	for _, known := range export.Catalogue() {
		fmt.Fprintf(&lacking, "\n  %-20s %s", known.Name, known.About)
	}
	c := &cobra.Command{
		Use: string(kind) + " MAPPING…", Short: "Write mappings as a template of " + string(kind),
		Long: `One template for the mappings that are named, or for --all, with a comment wherever
something was accepted. -o DIR writes it there with the packages of its functions, as far
as they are to be had; without -o, or with -o -, it goes to the terminal; -o json prints it
with its parameters, its packages and what is left to do.

The mappings are Disabled when they are deployed. Then gantry export handover lets go of
the group here and enables them.

What AWS may lack:` + lacking.String(),
		Example: fmt.Sprintf(`  gantry export %[1]s orders-to-validate
  gantry export %[1]s orders-to-validate --accept lanes,oversize -o ./aws
  gantry export %[1]s --all --accept all -c gantry.yaml -o json`, kind),
		Args:        args(cobra.ArbitraryArgs),
		Annotations: map[string]string{outputs: anyFolder},
		RunE: func(c *cobra.Command, given []string) error {
			f.mappings = given
			if f.all == (len(given) > 0) {
				return usage(c, errors.New("name mappings, or all of them with --all"))
			}
			return a.export(c, f)
		},
	}
	c.Flags().BoolVar(&f.all, "all", false, "every mapping")
	c.Flags().StringSliceVar(&f.accept, "accept", nil, "features that AWS lacks and that may be lost, with commas, or all")
	c.Flags().BoolVar(&f.overwrite, "overwrite", false, "with -o DIR: write over files that are there")
	fromFile(c, &f.file)
	return c
}

func (a *app) export(c *cobra.Command, f exportFlags) error {
	if f.file != "" {
		l, err := a.local(c.Context(), f.file)
		if err != nil {
			return err
		}
		out, err := l.export(f)
		if err := errors.Join(err, l.Close()); err != nil {
			return err
		}
		return a.exported(c, f, out, l)
	}
	var out export.Result
	query := url.Values{"mapping": f.mappings, "accept": f.accept}
	if err := a.do(c.Context(), call{method: "GET", path: "/gantry/v1/export/" + string(f.kind), query: query, out: &out}); err != nil {
		return err
	}
	return a.exported(c, f, out, nil)
}

// export makes a template from a configuration file alone.
func (l *Local) export(f exportFlags) (export.Result, error) {
	var cases []export.Case
	functions := l.functions()
	for _, name := range f.mappings {
		if _, err := l.mapping(name); err != nil {
			return export.Result{}, err
		}
	}
	for _, m := range l.File.Mappings {
		if f.all || slices.Contains(f.mappings, m.Name) || slices.Contains(f.mappings, m.UUID) {
			cases = append(cases, admin.ExportCase(m, functions, admin.EntryOf(l.File.Clusters, m), l.File.Roles))
		}
	}
	if len(cases) == 0 {
		return export.Result{}, fmt.Errorf("%s: there is no mapping to export", l.File.Name)
	}
	return export.Make(cases, export.Options{Kind: f.kind, Accept: f.accept, Values: true})
}

// exported shows a template, or writes it with its packages.
func (a *app) exported(c *cobra.Command, f exportFlags, out export.Result, l *Local) error {
	switch a.output {
	case "json":
		return a.show(out, nil)
	case "table", "-":
		fmt.Fprint(a.Out, out.Template)
	default:
		if err := a.writeExport(c, f, out, l); err != nil {
			return err
		}
	}
	for _, p := range out.Parameters {
		if p.Default == "" {
			fmt.Fprintf(a.Err, "gantry: asks for %s: %s\n", p.Name, p.About)
		}
	}
	for _, step := range out.Steps {
		if strings.HasPrefix(step, "gantry integration package") && a.written(out.Packages) {
			continue
		}
		fmt.Fprintln(a.Err, "gantry: next:", step)
	}
	return nil
}
