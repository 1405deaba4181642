package cli

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"gantry/migrate/assess"
	"gantry/migrate/assess/cost"
	"gantry/migrate/assess/facts"
	"gantry/migrate/assess/manifest"
	"gantry/migrate/assess/report"
	"gantry/plan"
	"gantry/workload"
)

// assessFlags are what gantry assess is asked for.
type assessFlags struct {
	config, cluster string
	from, survey    string // a saved survey to read, and where to save one
	facts, skeleton string
	shadows         []string
	prices, html    string
	manifests       []string
	leaveTopics     []string
	leaveGroups     []string
	days            int
	watch           time.Duration
	quick, showKeys bool
	yes             bool
}

func (a *app) assessCommand() *cobra.Command {
	var f assessFlags
	c := &cobra.Command{
		Use: "assess", Short: "Find out which services to move, where to, what that costs, and which one first",
		Long: `Assess looks at a cluster and says for every consumer group whether it should become a
function, a container, or stay: with each rule that spoke for or against it, the monthly
cost of each target with an interval, and the order of moving. It changes nothing: no group
is joined, nothing is committed, and how much is asked in a second is bounded. It says what
it will ask before it asks.

What Kafka cannot know (memory, the time a record takes, state, what a service writes) is
asked in a file: --write-facts writes it with a question for everything, --facts reads it.
What nobody answers is assumed, and marked so. docs/assess.md says how to read the result.`,
		Example: `  gantry assess -c gantry.yaml --cluster onprem --quick
  gantry assess -c gantry.yaml --cluster onprem --days 28 --survey survey.json --html report.html
  gantry assess --from survey.json --write-facts services.yaml
  gantry assess --from survey.json --facts services.yaml --manifests k8s/ --html report.html
  gantry assess --from survey.json --facts services.yaml --prices ours.yaml -o json
  gantry assess --write-prices > ours.yaml`,
		Args: args(cobra.NoArgs),
	}
	var writePrices bool
	c.RunE = func(c *cobra.Command, _ []string) error {
		if writePrices {
			_, err := a.Out.Write(cost.Default)
			return err
		}
		if err := f.check(c); err != nil {
			return err
		}
		return a.assess(c.Context(), f)
	}
	f.declare(c)
	c.Flags().BoolVar(&writePrices, "write-prices", false, "print the built-in price list, as a file to change")
	return c
}

func (f *assessFlags) declare(c *cobra.Command) {
	flags := c.Flags()
	flags.StringVarP(&f.config, "config", "c", "", "configuration file with the cluster; no gantry need run")
	flags.StringVar(&f.cluster, "cluster", "", "the cluster's name in clusters:")
	flags.StringVar(&f.from, "from", "", "judge this saved survey and ask no cluster")
	flags.StringVar(&f.survey, "survey", "", "save what was found in this file")
	flags.StringVar(&f.facts, "facts", "", "what Kafka cannot know, as a YAML file")
	flags.StringArrayVar(&f.shadows, "shadow", nil, "what a shadow run measured: a file of gantry migrate report NAME -o json; may come more than once")
	flags.StringVar(&f.skeleton, "write-facts", "", "write a facts file with a question for everything, and end")
	flags.StringVar(&f.prices, "prices", "", "a price list instead of the built-in one")
	flags.StringVar(&f.html, "html", "", "write the report, one HTML file that needs nothing else")
	flags.StringSliceVar(&f.manifests, "manifests", nil, "docker-compose files, Kubernetes manifests, or folders of them")
	flags.IntVar(&f.days, "days", 7, "days of history to ask for")
	flags.DurationVar(&f.watch, "watch", 0, "how long commits are watched (default 1m, 10s with --quick); longer sees more of how the services drain")
	flags.BoolVar(&f.quick, "quick", false, "offsets, groups and one day of hourly buckets; no records are read")
	flags.BoolVar(&f.showKeys, "show-keys", false, "show keys as they are, not hashed")
	flags.StringSliceVar(&f.leaveTopics, "leave-out-topics", nil, "patterns of topics that are not looked at, such as dev-*")
	flags.StringSliceVar(&f.leaveGroups, "leave-out-groups", nil, "patterns of groups that are not looked at")
	flags.BoolVar(&f.yes, "yes", false, "do not ask before the cluster is asked")
}

// check names every fault of the call.
func (f assessFlags) check(c *cobra.Command) error {
	var faults []error
	live := []string{"config", "cluster", "quick", "show-keys", "days", "watch", "leave-out-topics", "leave-out-groups", "survey"}
	if f.from != "" {
		for _, name := range live {
			if c.Flags().Changed(name) {
				faults = append(faults, fmt.Errorf("--%s: a saved survey asks no cluster; leave out --%s or --from", name, name))
			}
		}
	} else {
		if f.config == "" || f.cluster == "" {
			faults = append(faults, errors.New("which cluster? give -c FILE and --cluster NAME, or --from SURVEY"))
		}
		if f.quick && c.Flags().Changed("days") {
			faults = append(faults, errors.New("--days: a quick survey is one day"))
		}
		if f.days < 1 || f.days > 365 {
			faults = append(faults, fmt.Errorf("--days %d: want 1 to 365", f.days))
		}
		if f.watch < 0 || f.watch > 24*time.Hour {
			faults = append(faults, fmt.Errorf("--watch %s: want 0 to 24h", f.watch))
		}
	}
	if err := errors.Join(faults...); err != nil {
		return usage(c, err)
	}
	return nil
}

// assess reads what it was given, asks the cluster, and judges. Files with faults are told
// before the cluster is asked anything.
func (a *app) assess(ctx context.Context, f assessFlags) error {
	in, err := f.inputs()
	if err != nil {
		return err
	}
	s, err := a.surveyed(ctx, f)
	if err != nil {
		return err
	}
	if f.skeleton != "" {
		return a.writeFacts(f.skeleton, s, in)
	}
	if err := in.Facts.Check(f.facts, s); err != nil {
		if f.from == "" && f.survey == "" {
			err = fmt.Errorf("%w\nthe survey is lost; with --survey FILE it would be kept and read again by --from FILE", err)
		}
		return err
	}
	judged := assess.Make(s, in)
	if f.html != "" {
		if err := writeReport(f.html, judged); err != nil {
			return err
		}
	}
	if a.output == "json" {
		return a.show(judged, nil)
	}
	return a.summarize(judged, f)
}

// inputs reads the files; every fault of all of them is told.
func (f assessFlags) inputs() (assess.Inputs, error) {
	in := assess.Inputs{Made: time.Now()}
	text, err := cost.Default, error(nil)
	if f.prices != "" {
		text, err = os.ReadFile(f.prices)
	}
	if err == nil {
		in.Prices, err = cost.Read(text, cmp.Or(f.prices, "built-in prices"))
	}
	faults := []error{err}
	if f.facts != "" {
		text, err := os.ReadFile(f.facts)
		if err == nil {
			in.Facts, err = facts.Read(text, f.facts)
		}
		faults = append(faults, err)
	}
	for _, name := range f.shadows {
		faults = append(faults, addShadow(&in.Facts, name))
	}
	if len(f.manifests) > 0 {
		in.Manifests, err = manifest.Read(f.manifests)
		faults = append(faults, err)
	}
	return in, errors.Join(faults...)
}

func addShadow(to *facts.File, name string) error {
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	var s plan.Shadow
	if err := json.Unmarshal(text, &s); err != nil {
		return fmt.Errorf("read the shadow run %s: %w; it is written by gantry migrate report NAME -o json", name, err)
	}
	if err := to.Shadow(s); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// surveyed reads a saved survey, or makes one and saves it.
func (a *app) surveyed(ctx context.Context, f assessFlags) (workload.Survey, error) {
	if f.from != "" {
		return readSurvey(f.from)
	}
	s, err := a.collect(ctx, f)
	if err != nil || f.survey == "" {
		return s, err
	}
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return s, fmt.Errorf("write the survey: %w", err)
	}
	if err := replaceFile(f.survey, text); err != nil {
		return s, fmt.Errorf("write the survey: %w", err)
	}
	return s, nil
}

func readSurvey(name string) (workload.Survey, error) {
	var s workload.Survey
	text, err := os.ReadFile(name)
	if err != nil {
		return s, fmt.Errorf("read the survey: %w", err)
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&s); err != nil {
		return s, fmt.Errorf("read the survey %s: %w; it is written by gantry assess --survey FILE", name, err)
	}
	return s, nil
}

// writeFacts writes the questions. A file that is there may hold answers, so it stays.
func (a *app) writeFacts(name string, s workload.Survey, in assess.Inputs) error {
	topics := make([]string, len(s.Topics))
	for i, t := range s.Topics {
		topics[i] = t.Name
	}
	text := facts.Skeleton(s, func(g workload.Group) workload.Facts {
		return in.Facts.Of(g, in.Manifests.Of(g.ID), topics)
	})
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return fmt.Errorf("write the facts file: %s is there already and may hold answers; choose another name", name)
	}
	if err == nil {
		_, err = file.Write(text)
		err = errors.Join(err, file.Close())
	}
	if err != nil {
		return fmt.Errorf("write the facts file: %w", err)
	}
	return a.tell(map[string]any{"file": name, "groups": len(s.Groups)}, "%s asks about %d groups; answer what you know and give it back with --facts %s", name, len(s.Groups), name)
}

func writeReport(name string, judged workload.Assessment) error {
	var b bytes.Buffer
	if err := report.Write(&b, judged); err != nil {
		return err
	}
	if err := replaceFile(name, b.Bytes()); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}
