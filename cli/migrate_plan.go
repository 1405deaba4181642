package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"gantry/declare"
	"gantry/migrate"
	"gantry/plan"
	"gantry/workload"
)

func readPlan(in io.Reader, path string) (plan.Plan, error) {
	var text []byte
	var err error
	if path == "-" {
		text, err = io.ReadAll(in)
	} else {
		text, err = os.ReadFile(path)
	}
	if err != nil {
		return plan.Plan{}, err
	}
	return declare.Plan(text, path)
}

func (a *app) migrateInitCommand() *cobra.Command {
	var d migrate.Draft
	var from string
	c := &cobra.Command{
		Use: "init --from ASSESSMENT | --cluster NAME --group GROUP --topic TOPIC", Short: "Write a plan file to begin with",
		Long: `Init writes a plan with every member explained, for people to fill in: the functions and
their filters, the topics the service writes, and every effect it has beside them. --from
takes what gantry assess -o json knows of the group, or of the service to begin with.`,
		Example: `  gantry assess -c gantry.yaml --cluster onprem -o json > assessment.json
  gantry migrate init --from assessment.json --group order-service > orders.yaml
  gantry migrate init --cluster onprem --group order-service --topic orders --function order-validate,order-price > orders.yaml`,
		Args: args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			if from != "" {
				known, err := draftFrom(from, d.Group)
				if err != nil {
					return err
				}
				d = known.With(d)
			}
			if d.Cluster == "" || d.Group == "" || len(d.Topics) == 0 {
				return usage(c, fmt.Errorf("want --from, or --cluster, --group and --topic"))
			}
			_, err := io.WriteString(a.Out, d.YAML())
			return err
		},
	}
	c.Flags().StringVar(&from, "from", "", "an assessment: a file of gantry assess -o json; flags win over it")
	c.Flags().StringVar(&d.Name, "name", "", "of the plan; default: the group's")
	c.Flags().StringVar(&d.Cluster, "cluster", "", "a name in clusters:")
	c.Flags().StringVar(&d.Group, "group", "", "the old service's consumer group")
	c.Flags().StringSliceVar(&d.Topics, "topic", nil, "that the service reads")
	c.Flags().StringSliceVar(&d.Functions, "function", nil, "that replace it")
	c.Flags().StringSliceVar(&d.Outputs, "output-topic", nil, "that the service writes")
	c.Flags().StringVar(&d.Principal, "principal", "", "whom the old service logs in as (User:…)")
	return c
}

func draftFrom(path, group string) (migrate.Draft, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return migrate.Draft{}, err
	}
	var known workload.Assessment
	if err := json.Unmarshal(text, &known); err != nil {
		return migrate.Draft{}, fmt.Errorf("read the assessment %s: %w; it is written by gantry assess -o json", path, err)
	}
	d, err := migrate.DraftOf(known, group)
	if err != nil {
		return d, fmt.Errorf("%s: %w", path, err)
	}
	return d, nil
}

func (a *app) migrateCheckCommand() *cobra.Command {
	return &cobra.Command{
		Use: "check FILE", Short: "Read a plan file whole and say what its cutover would do; asks nothing of a cluster",
		Example: "  gantry migrate check orders.yaml", Args: args(cobra.ExactArgs(1)),
		RunE: func(_ *cobra.Command, words []string) error {
			p, err := readPlan(a.In, words[0])
			if err != nil {
				return err
			}
			calls := migrate.Calls(migrate.ActCutover, p, "")
			return a.show(map[string]any{"plan": p, "steps": calls}, func(w io.Writer) {
				fmt.Fprintf(w, "plan %s is whole. A cutover would:\n\n%s\n", p.Name, strings.Join(calls, "\n"))
			})
		},
	}
}

func (a *app) migratePutCommand() *cobra.Command {
	var dry bool
	c := &cobra.Command{
		Use: "put FILE", Short: "Give a plan to gantry; one that is there is replaced",
		Example: "  gantry migrate put orders.yaml", Args: args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, words []string) error {
			p, err := readPlan(a.In, words[0])
			if err != nil {
				return err
			}
			if dry {
				return a.tell(p, "plan %s is whole; nothing was changed", p.Name)
			}
			var m migration
			if err := a.do(c.Context(), call{method: "PUT", path: migrationPath(p.Name), in: p, out: &m}); err != nil {
				return err
			}
			return a.tell(m, "plan %s is kept; to see what a cutover would meet: gantry migrate predict %s", m.Name, m.Name)
		},
	}
	c.Flags().BoolVar(&dry, "dry-run", false, "only read it")
	return c
}
