package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"gantry/integration"
	"gantry/sink"
)

// entry is an integration as it is printed.
type entry struct {
	Name     string           `json:"name"`
	Title    string           `json:"title"`
	About    string           `json:"about"`
	Limits   string           `json:"limits"`
	Repeats  string           `json:"repeats"`
	Settings []settingEntry   `json:"settings"`
	Policy   []sink.Statement `json:"policy,omitempty"`
	Example  string           `json:"example"`
}

type settingEntry struct {
	Name     string   `json:"name"`
	About    string   `json:"about"`
	Variable string   `json:"variable"`
	Default  string   `json:"default,omitempty"`
	Example  string   `json:"example,omitempty"`
	Values   []string `json:"values,omitempty"`
	Required bool     `json:"required,omitempty"`
	Secret   bool     `json:"secret,omitempty"`
}

func entryOf(sp sink.Spec) entry {
	e := entry{Name: sp.Name, Title: sp.Title, About: sp.About, Limits: sp.Limits, Repeats: sp.Repeats, Example: sp.Example, Policy: sp.Statements(nil)}
	for _, s := range sp.Settings {
		e.Settings = append(e.Settings, settingEntry{s.Name, s.About, sink.Variable(s.Name), s.Default, s.Example, s.Values, s.Required, s.Secret})
	}
	return e
}

func (a *app) integrationsCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "integrations",
		Short: "List the functions that gantry brings along, and what each needs",
		Long: `Integrations lists the ready-made functions: each carries records to one kind of place.
A function of the configuration names one (integration: s3) and gives it settings; the
same code runs in AWS Lambda (gantry integration package).`,
		Example: `  gantry integrations
  gantry integrations show http
  gantry integrations -o json`,
		Args: args(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			var list []entry
			for _, sp := range integration.Catalogue() {
				list = append(list, entryOf(sp))
			}
			return a.show(list, func(w io.Writer) {
				row(w, "NAME", "TO", "WHAT IT DOES")
				for _, e := range list {
					row(w, e.Name, e.Title, e.About)
				}
			})
		},
	}
	c.AddCommand(a.integrationsShowCommand())
	return c
}

func (a *app) integrationsShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show NAME",
		Short: "Show one integration: settings, limits, what a repeat does, permissions, an example",
		Example: `  gantry integrations show http
  gantry integrations show http -o json`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, given []string) error {
			sp, err := integration.Find(given[0])
			if err != nil {
				return usage(c, err)
			}
			e := entryOf(sp)
			return a.show(e, func(w io.Writer) { e.print(w) })
		},
	}
}

func (e entry) print(w io.Writer) {
	fmt.Fprintf(w, "%s: %s\n%s\n\nSETTINGS\n", e.Name, e.Title, e.About)
	for _, s := range e.Settings {
		fmt.Fprintf(w, "  %-20s %s\n", s.Name, s.About+s.facts())
	}
	fmt.Fprintf(w, "\nLIMITS\n  %s\n\nREPEATS\n  %s\n", e.Limits, e.Repeats)
	if len(e.Policy) > 0 {
		body, _ := json.MarshalIndent(e.Policy, "  ", "  ") // texts only
		fmt.Fprintf(w, "\nPERMISSIONS\n  %s\n", body)
		if more := sink.Unbounded(e.Policy); more != "" {
			fmt.Fprintln(w, "  "+more)
		}
	}
	fmt.Fprintf(w, "\nEXAMPLE\n  %s\n", strings.ReplaceAll(strings.TrimSpace(e.Example), "\n", "\n  "))
}

func (s settingEntry) facts() string {
	var facts []string
	if s.Required {
		facts = append(facts, "required")
	}
	if s.Secret {
		facts = append(facts, "a reference to a secret")
	}
	if len(s.Values) > 0 {
		facts = append(facts, "one of "+strings.Join(s.Values, ", "))
	}
	if s.Default != "" {
		facts = append(facts, "default "+s.Default)
	}
	if len(facts) == 0 {
		return ""
	}
	return " (" + strings.Join(facts, "; ") + ")"
}
