package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"gantry/plan"
)

func (a *app) migrateCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "migrate", Short: "Move one consumer service to functions, with proof and a way back",
		Long: `Migrate takes the work of an old consumer group over to functions and, from any step, gives
it back. A plan file says what is to happen (gantry migrate init writes one). Every step is
in a ledger: a topic of the service's own cluster, hash-chained, and a file beside gantry's
data. What was under way when gantry died goes on when it is started again, or on another
host (gantry migrate recover).`,
		Example: `  gantry migrate init --cluster onprem --group order-service --topic orders > orders.yaml
  gantry migrate put orders.yaml
  gantry migrate shadow orders --reason "CHG-11" --for 24h
  gantry migrate report orders --html orders.html
  gantry migrate predict orders
  gantry migrate rehearse orders --reason "CHG-12"
  gantry migrate cutover orders --reason "CHG-13"
  gantry migrate rollback orders --reason "totals are wrong"`,
		Args: args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(
		a.migrateInitCommand(), a.migrateCheckCommand(), a.migratePutCommand(), a.migrateListCommand(), a.migrateShowCommand(), a.migrateDeleteCommand(),
		a.migratePredictCommand(), a.migrateWatchCommand(), a.migrateApproveCommand(), a.migrateReportCommand(), a.migrateLedgerCommand(), a.migrateRecoverCommand(),
	)
	for _, act := range acts {
		c.AddCommand(a.migrateActCommand(act))
	}
	return c
}

func migrationPath(name string, more ...string) string {
	return "/gantry/v1/migrations/" + url.PathEscape(name) + strings.Join(more, "")
}

// migration is where one stands.
type migration struct {
	Name    string          `json:"name"`
	State   plan.State      `json:"state"`
	Owner   string          `json:"owner"`
	Group   string          `json:"group"`
	Topics  []string        `json:"topics"`
	Mapping string          `json:"mapping"`
	Running string          `json:"running,omitempty"`
	Plan    json.RawMessage `json:"plan,omitempty"`
	Last    *plan.Line      `json:"last,omitempty"`
	Lines   int             `json:"lines,omitempty"`
}

func (a *app) migrateListCommand() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "Every migration and who owns its records", Example: "  gantry migrate list", Args: args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			var all struct {
				Migrations []migration `json:"migrations"`
			}
			if err := a.do(c.Context(), call{method: "GET", path: "/gantry/v1/migrations", out: &all}); err != nil {
				return err
			}
			return a.show(all, func(w io.Writer) {
				row(w, "MIGRATION", "STATE", "OWNER", "GROUP", "TOPICS", "UNDER WAY")
				for _, m := range all.Migrations {
					row(w, m.Name, m.State, m.Owner, m.Group, strings.Join(m.Topics, ","), m.Running)
				}
			})
		},
	}
}

func (a *app) migrateShowCommand() *cobra.Command {
	return &cobra.Command{
		Use: "show NAME", Short: "Where a migration stands, and what may follow", Example: "  gantry migrate show orders", Args: args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, words []string) error {
			var m migration
			if err := a.do(c.Context(), call{method: "GET", path: migrationPath(words[0]), out: &m}); err != nil {
				return err
			}
			return a.show(m, func(w io.Writer) {
				row(w, "migration", m.Name)
				row(w, "state", m.State)
				row(w, "owner", m.Owner)
				row(w, "group", m.Group)
				row(w, "topics", strings.Join(m.Topics, ", "))
				row(w, "mapping", m.Mapping)
				if m.Running != "" {
					row(w, "under way", m.Running+"; to follow it: gantry migrate watch "+m.Name)
				}
				if m.Last != nil {
					row(w, "ledger", fmt.Sprintf("%d lines, the last %s: %s %s by %s", m.Lines, m.Last.At.Format(time.RFC3339), m.Last.Phase, m.Last.Step, m.Last.Actor))
				}
				row(w, "may follow", m.State.Moves())
			})
		},
	}
}

func (a *app) migrateDeleteCommand() *cobra.Command {
	return &cobra.Command{
		Use: "delete NAME", Short: "Forget a plan of which nothing is under way; its ledger stays", Example: "  gantry migrate delete orders", Args: args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, words []string) error {
			if err := a.do(c.Context(), call{method: "DELETE", path: migrationPath(words[0])}); err != nil {
				return err
			}
			return a.tell(map[string]string{"deleted": words[0]}, "plan %s is forgotten; its ledger stays", words[0])
		},
	}
}
