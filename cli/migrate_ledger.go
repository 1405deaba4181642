package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"gantry/migrate/ledger"
	"gantry/plan"
)

func (a *app) migrateLedgerCommand() *cobra.Command {
	var file, export string
	c := &cobra.Command{
		Use: "ledger NAME", Short: "Show, export or verify the ledger of a migration",
		Long: `Every line of a migration's ledger holds the hash of the one before it. It lies in a topic
of the service's cluster (key: the plan's name; header sha256: the SHA-256 of the value) and
in a file. The command checks the chain. --export writes it as a file of lines "SHA256 JSON",
which --verify checks anywhere, without gantry's cluster.`,
		Example: `  gantry migrate ledger orders
  gantry migrate ledger orders --export orders.ledger
  gantry migrate ledger --verify orders.ledger`,
		Args: func(c *cobra.Command, words []string) error {
			if (len(words) == 1) == (file != "") {
				return usage(c, fmt.Errorf("want a name, or --verify FILE"))
			}
			return nil
		},
		RunE: func(c *cobra.Command, words []string) error {
			if file != "" {
				return a.verifyLedger(file)
			}
			lines, err := a.ledgerOf(c, words[0])
			if err != nil {
				return err
			}
			if export != "" {
				return a.exportLedger(lines, export)
			}
			return a.show(lines, func(w io.Writer) { printLedger(w, lines) })
		},
	}
	c.Flags().StringVar(&export, "export", "", "write it to this file; - = the output")
	c.Flags().StringVar(&file, "verify", "", "check a file instead")
	return c
}

// ledgerOf asks for the lines as they were written and checks them here.
func (a *app) ledgerOf(c *cobra.Command, name string) ([]plan.Line, error) {
	var kept struct {
		Lines []struct {
			Hash string          `json:"sha256"`
			Line json.RawMessage `json:"line"`
		} `json:"lines"`
	}
	if err := a.do(c.Context(), call{method: "GET", path: migrationPath(name, "/ledger"), out: &kept}); err != nil {
		return nil, err
	}
	var text bytes.Buffer
	for _, k := range kept.Lines {
		fmt.Fprintf(&text, "%s %s\n", k.Hash, k.Line)
	}
	return ledger.Load(&text)
}

func (a *app) exportLedger(lines []plan.Line, path string) error {
	if path == "-" {
		return ledger.Export(a.Out, lines)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if err := ledger.Export(f, lines); err != nil {
		_ = f.Close()
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return a.tell(map[string]any{"lines": len(lines), "file": path}, "%d lines in %s", len(lines), path)
}

func (a *app) verifyLedger(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	lines, err := ledger.Load(f)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if len(lines) == 0 {
		return fmt.Errorf("%s: it holds no line", path)
	}
	last := lines[len(lines)-1]
	return a.tell(map[string]any{"plan": last.Plan, "lines": len(lines), "sha256": last.Hash, "state": last.State},
		"plan %s: %d lines, each whole and in its place; the last is %s, state %s", last.Plan, len(lines), last.Hash, last.State)
}

func printLedger(w io.Writer, lines []plan.Line) {
	row(w, "LINE", "TIME", "ACTOR", "STEP", "PHASE", "STATE", "WHAT")
	for _, l := range lines {
		row(w, l.Sequence, l.At.Format(time.RFC3339), l.Actor, l.Step, l.Phase, l.State, gist(&l))
	}
}

func (a *app) migrateRecoverCommand() *cobra.Command {
	var cluster, reason string
	c := &cobra.Command{
		Use: "recover [NAME] --cluster CLUSTER", Short: "Take up a migration that another gantry began, from its ledger",
		Long: `Recover reads the ledger's topic of a cluster. Without a name it lists the migrations that
are there. With one it makes this gantry the migration's: the next step fences the gantry
that had it. Then gantry migrate resume goes on with what was under way.`,
		Example: `  gantry migrate recover --cluster onprem
  gantry migrate recover orders --cluster onprem --reason "host a is gone"
  gantry migrate resume orders --reason "host a is gone"`,
		Args: args(cobra.MaximumNArgs(1)),
		RunE: func(c *cobra.Command, words []string) error {
			if cluster == "" {
				return usage(c, fmt.Errorf("want --cluster"))
			}
			in := map[string]string{"cluster": cluster, "reason": reason}
			if len(words) == 1 {
				in["name"] = words[0]
			}
			var found struct {
				Names []string `json:"names"`
			}
			if err := a.do(c.Context(), call{method: "POST", path: "/gantry/v1/migrations/recover", in: in, out: &found}); err != nil {
				return err
			}
			if len(words) == 1 {
				return a.tell(found, "plan %s is this gantry's; to go on with what was under way: gantry migrate resume %s", words[0], words[0])
			}
			return a.show(found, func(w io.Writer) {
				for _, n := range found.Names {
					row(w, n)
				}
			})
		},
	}
	c.Flags().StringVar(&cluster, "cluster", "", "a name in clusters:")
	c.Flags().StringVar(&reason, "reason", "", "why; it goes to the audit log")
	return c
}
