// Package cli is the command line: one file for each command. Commands are clients of
// the HTTP API (api/client) and hold no rule of their own; serve and demo, which run an
// engine, are added by main.
//
// Every command prints a table for people and, with -o json, the API's answer. It exits
// with 0, with 1 when what it tried failed, and with 2 when it was called wrongly.
package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"gantry/api/client"
	"gantry/declare"
)

// Config is the world of a command.
type Config struct {
	Build  Build
	In     io.Reader
	Out    io.Writer
	Err    io.Writer
	Getenv func(name string) string
	Local  func(ctx context.Context, file string) (*Local, error) // opens a configuration file; nil = none can be
	Binary string                                                 // that is packed for ready-made functions; "" = the program that runs
}

// app is what the commands share.
type app struct {
	Config
	endpoint string
	keyFile  string
	caFile   string
	certFile string
	dataDir  string
	output   string
}

// New makes the root command with every command that is a client.
func New(cfg Config) *cobra.Command {
	a := &app{Config: cfg}
	root := &cobra.Command{
		Use:   "gantry",
		Short: "Run Lambda's Kafka event source mappings anywhere",
		Long: `gantry moves a Kafka workload to the cloud, one service at a time. It runs AWS
Lambda's Kafka event source mappings anywhere: it watches topics on any Kafka, batches
records, and invokes functions that run here as processes, in AWS Lambda, or behind HTTP.`,
		Example: `  gantry demo                        # see it work, nothing needed
  gantry serve -c gantry.yaml        # run the mappings of a file
  gantry status                      # what runs, the worst first`,
		Version: cfg.Build.Version, SilenceUsage: true, SilenceErrors: true,
		PersistentPreRunE: func(c *cobra.Command, _ []string) error { return a.checkOutput(c) }, // before anything is changed
	}
	root.SetIn(cfg.In)
	root.SetOut(cfg.Out)
	root.SetErr(cfg.Err)
	root.SetFlagErrorFunc(usage)
	flags := root.PersistentFlags()
	flags.StringVar(&a.endpoint, "endpoint", "", "gantry's address (default $GANTRY_ENDPOINT, else "+client.DefaultEndpoint+")")
	flags.StringVar(&a.keyFile, "key-file", "", "AWS credentials file to sign with (default: the data directory's, else AWS's variables)")
	flags.StringVar(&a.caFile, "ca-file", "", "PEM certificates that gantry's own is held against (default $GANTRY_CA_FILE, else $AWS_CA_BUNDLE, else the system's)")
	flags.StringVar(&a.certFile, "cert-file", "", "PEM certificate and key to show gantry (default $GANTRY_CERT_FILE)")
	flags.StringVar(&a.dataDir, "data-dir", declare.DefaultDataDir, "gantry's data directory, for its key pair")
	flags.StringVarP(&a.output, "output", "o", "table", "table or json")
	root.AddCommand(
		a.statusCommand(), a.getCommand(), a.describeCommand(), a.deleteCommand(), a.applyCommand(),
		a.pauseCommand(), a.resumeCommand(), a.waitCommand(), a.invokeCommand(), a.generateEventCommand(), a.logsCommand(), a.tailCommand(),
		a.produceCommand(), a.filterCommand(), a.migrateCommand(), a.offsetsCommand(), a.recordsCommand(), a.skipCommand(), a.deadlettersCommand(), a.clusterCommand(),
		a.versionCommand(), a.manCommand(),
		a.integrationsCommand(), a.integrationCommand(),
		a.assessCommand(), a.doctorCommand(), a.aclsCommand(), a.iamCommand(), a.backupCommand(), a.restoreCommand(), a.exportCommand(),
	)
	return root
}

// outputs names, in a command's annotations, what -o takes there beside table and json.
const outputs = "outputs"

// anyFile is the annotation of a command whose -o may name a zip as well.
const anyFile = "a file that ends in .zip"

// anyFolder is the annotation of a command whose -o may name a folder as well.
const anyFolder = "a folder, or - for the terminal"

func (a *app) checkOutput(c *cobra.Command) error {
	more := c.Annotations[outputs]
	switch {
	case a.output == "table", a.output == "json", more == anyFolder && a.output != "", more != "" && (a.output == more || more == anyFile && strings.HasSuffix(a.output, ".zip")):
		return nil
	case more != "":
		return usage(c, fmt.Errorf("-o %s: want table, json or %s", a.output, more))
	}
	return usage(c, fmt.Errorf("-o %s: want table or json", a.output))
}

// usageError is a call that can't mean anything: exit 2.
type usageError struct {
	err  error
	hint string
}

func (e *usageError) Error() string { return e.err.Error() + e.hint }

func usage(c *cobra.Command, err error) error {
	return &usageError{err: err, hint: "\nsee: " + c.CommandPath() + " --help"}
}

// Usage makes err a wrong call: exit 2, with the way to the command's help.
func Usage(c *cobra.Command, err error) error { return usage(c, err) }

// args wraps cobra's checks of arguments: a wrong count is a wrong call.
func args(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(c *cobra.Command, given []string) error {
		if err := check(c, given); err != nil {
			return usage(c, fmt.Errorf("%w; usage: %s", err, c.UseLine()))
		}
		return nil
	}
}

// Run carries out a command line and gives the exit code.
func Run(ctx context.Context, root *cobra.Command, line []string) int {
	root.SetArgs(line)
	err := root.ExecuteContext(ctx)
	var wrong *usageError
	var quiet *exitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &quiet):
		return quiet.code
	case errors.As(err, &wrong) || strings.HasPrefix(err.Error(), "unknown command"):
		fmt.Fprintln(root.ErrOrStderr(), "gantry:", err)
		return 2
	case errors.Is(err, context.Canceled) && ctx.Err() != nil:
		return 1
	}
	fmt.Fprintln(root.ErrOrStderr(), "gantry:", plain(err))
	return 1
}

// namesNobody is an answer about a name that is not there, not about a record or a topic.
var namesNobody = regexp.MustCompile(`(mapping|function) \S+: not found|[Ff]unction not found`)

// plain tells an answer of the API in its own words, without the request that led to it:
// whoever typed the command knows it.
func plain(err error) string {
	text := err.Error()
	var answer *client.Error
	if !errors.As(err, &answer) {
		return text
	}
	before, after, ok := strings.Cut(text, answer.Error())
	if !ok {
		return text
	}
	before = regexp.MustCompile(`(GET|POST|PUT|DELETE) /\S+: $`).ReplaceAllString(before, "")
	said := before + answer.Message + " (" + answer.Type + ")"
	if answer.Hint != "" {
		said += "\n" + answer.Hint
	}
	if answer.Status == http.StatusNotFound && namesNobody.MatchString(answer.Message) {
		said += "\nsee: gantry get mappings, gantry get functions"
	}
	return said + after
}

// exitError ends with a code; what there was to say is said.
type exitError struct{ code int }

func (e *exitError) Error() string { return fmt.Sprintf("exit %d", e.code) }

// client opens the API.
func (a *app) client(ctx context.Context) (*client.Client, error) {
	endpoint := a.endpoint
	if endpoint == "" {
		endpoint = a.Getenv("GANTRY_ENDPOINT")
	}
	return client.New(ctx, client.Config{
		Endpoint: endpoint, KeyFile: a.keyFile, DataDir: a.dataDir, Getenv: a.Getenv,
		CAFile:   cmp.Or(a.caFile, a.Getenv("GANTRY_CA_FILE"), a.Getenv("AWS_CA_BUNDLE")),
		CertFile: cmp.Or(a.certFile, a.Getenv("GANTRY_CERT_FILE")),
	})
}

// call is one request of the admin API with JSON both ways.
type call struct {
	method string
	path   string
	query  url.Values
	in     any
	out    any
}

func (a *app) do(ctx context.Context, c call) error {
	api, err := a.client(ctx)
	if err != nil {
		return err
	}
	return api.Do(ctx, c.method, c.path, c.query, c.in, c.out)
}

// mappingPath is the path of a mapping by UUID or name.
func mappingPath(id string, more ...string) string {
	return "/gantry/v1/mappings/" + url.PathEscape(id) + strings.Join(more, "")
}
