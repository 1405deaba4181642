package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"gantry/declare"
	"gantry/doctor"
	"gantry/function"
	"gantry/kafka"
	"gantry/mapping"
)

// Local is what commands can do with a configuration file alone, where no gantry runs.
type Local struct {
	File   *declare.File
	Doctor *doctor.Doctor
	Source func(ctx context.Context, src mapping.Source) (kafka.Cluster, error)
	Close  func() error
}

// fromFile adds the flag that makes a command work without a gantry.
func fromFile(c *cobra.Command, file *string) {
	c.Flags().StringVarP(file, "config", "c", "", "work from this configuration file, on this machine; without it the running gantry is asked")
}

// local opens a configuration file for a command.
func (a *app) local(ctx context.Context, file string) (*Local, error) {
	if a.Local == nil {
		return nil, errors.New("this program can't work from a file")
	}
	return a.Local(ctx, file)
}

func (a *app) doctorCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "doctor cluster|aws|mapping", Short: "Find out step by step why something does not work",
		Example: "  gantry doctor cluster onprem\n  gantry doctor mapping orders-to-validate -o json",
		Long: `Doctor tries what gantry needs, one step after the other, and says of each what was tried,
what happened, how long it took and what to do. It changes nothing, and its output holds no
secrets: -o json is made to be pasted into a ticket.

Without -c the running gantry is asked: its machine, its user, its network and its
credentials count. With -c FILE the command tries by itself from here, also where no gantry
runs. The first line says which. It exits with 1 if a step failed.`,
		Args: args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(a.doctorClusterCommand(), a.doctorAWSCommand(), a.doctorMappingCommand())
	return c
}

func (a *app) doctorClusterCommand() *cobra.Command {
	var file, group string
	var topics []string
	c := &cobra.Command{
		Use: "cluster NAME", Short: "Names, connections, TLS, login, versions, clocks, topics and permissions of a cluster",
		Example: "  gantry doctor cluster onprem\n  gantry doctor cluster onprem -c gantry.yaml --topic orders --group gantry.orders",
		Args:    args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, words []string) error {
			if file == "" {
				query := url.Values{"topic": topics, "group": {group}}
				return a.examined(c, "/gantry/v1/doctor/clusters/"+url.PathEscape(words[0]), query)
			}
			return a.locally(c, file, func(l *Local) (doctor.Report, error) {
				if _, ok := l.File.Clusters[words[0]]; !ok {
					return doctor.Report{}, fmt.Errorf("%s: clusters: has no %q", file, words[0])
				}
				return l.Doctor.Cluster(c.Context(), words[0], topics, group), nil
			})
		},
	}
	fromFile(c, &file)
	c.Flags().StringSliceVar(&topics, "topic", nil, "topics to look at as well")
	c.Flags().StringVar(&group, "group", "", "a group to look at as well")
	return c
}

func (a *app) doctorAWSCommand() *cobra.Command {
	var file string
	c := &cobra.Command{
		Use: "aws", Short: "Credentials, identity, clock, endpoints, and whether the functions in AWS may be invoked",
		Example: "  gantry doctor aws\n  gantry doctor aws -c gantry.yaml -o json",
		Args:    args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			if file == "" {
				return a.examined(c, "/gantry/v1/doctor/aws", nil)
			}
			return a.locally(c, file, func(l *Local) (doctor.Report, error) {
				return l.Doctor.Road(c.Context(), l.File.Functions), nil
			})
		},
	}
	fromFile(c, &file)
	return c
}

func (a *app) doctorMappingCommand() *cobra.Command {
	var file string
	c := &cobra.Command{
		Use: "mapping NAME", Short: "Everything between a mapping's source and its function",
		Example: "  gantry doctor mapping orders-to-validate\n  gantry doctor mapping orders-to-validate -c gantry.yaml",
		Args:    args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, words []string) error {
			if file == "" {
				return a.examined(c, mappingPath(words[0], "/doctor"), nil)
			}
			return a.locally(c, file, func(l *Local) (doctor.Report, error) {
				m, err := l.mapping(words[0])
				if err != nil {
					return doctor.Report{}, err
				}
				return l.Doctor.Mapping(c.Context(), doctor.Case{Mapping: m, Functions: l.functions()}), nil
			})
		},
	}
	fromFile(c, &file)
	return c
}

// mapping finds a mapping of the file.
func (l *Local) mapping(name string) (mapping.Mapping, error) {
	for _, m := range l.File.Mappings {
		if m.Name == name || m.UUID == name {
			return m, nil
		}
	}
	return mapping.Mapping{}, fmt.Errorf("%s: mappings: has no %q", l.File.Name, name)
}

func (l *Local) functions() map[string]function.Function {
	out := map[string]function.Function{}
	for _, fn := range l.File.Functions {
		out[fn.Name] = fn
	}
	return out
}

// examined asks the running gantry.
func (a *app) examined(c *cobra.Command, path string, query url.Values) error {
	var r doctor.Report
	if err := a.do(c.Context(), call{method: "GET", path: path, query: query, out: &r}); err != nil {
		return fmt.Errorf("%w\nwithout a running gantry: %s -c gantry.yaml", err, c.CommandPath())
	}
	return a.report(r)
}

// locally works from a file.
func (a *app) locally(c *cobra.Command, file string, examine func(*Local) (doctor.Report, error)) error {
	l, err := a.local(c.Context(), file)
	if err != nil {
		return err
	}
	r, err := examine(l)
	if err := errors.Join(err, l.Close()); err != nil {
		return err
	}
	return a.report(r)
}

// report prints what was found. A step that failed is exit 1.
func (a *app) report(r doctor.Report) error {
	err := a.show(r, func(w io.Writer) {
		fmt.Fprintf(w, "%s, looked at by %s at %s\n\n", r.Subject, r.Where, r.At.Format(time.RFC3339))
		for _, s := range r.Steps {
			fmt.Fprintf(w, "%-7s  %s  (%s)\n", s.Result, s.What, time.Duration(s.ElapsedMS*float64(time.Millisecond)).Round(100*time.Microsecond))
			if s.Detail != "" {
				fmt.Fprintf(w, "         %s\n", s.Detail)
			}
			if s.Try != "" {
				fmt.Fprintf(w, "         try: %s\n", s.Try)
			}
		}
	})
	if err == nil && !r.OK {
		return &exitError{1}
	}
	return err
}
