package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

// kinds are what get, describe and delete speak of.
func kindOf(c *cobra.Command, word string) (string, error) {
	switch word {
	case "mapping", "mappings":
		return "mappings", nil
	case "function", "functions":
		return "functions", nil
	}
	return "", usage(c, fmt.Errorf("%q is not known; want mappings or functions", word))
}

func (a *app) getCommand() *cobra.Command {
	return &cobra.Command{
		Use: "get mappings|functions", Short: "List mappings or functions",
		Example: "  gantry get mappings\n  gantry get functions -o json",
		Args:    args(cobra.ExactArgs(1)), ValidArgs: []string{"mappings", "functions"},
		RunE: func(c *cobra.Command, words []string) error {
			kind, err := kindOf(c, words[0])
			if err != nil {
				return err
			}
			if kind == "mappings" {
				return a.getMappings(c)
			}
			return a.getFunctions(c)
		},
	}
}

func (a *app) getMappings(c *cobra.Command) error {
	var list struct {
		Mappings []mappingLine `json:"mappings"`
	}
	return a.fetch(c.Context(), "/gantry/v1/mappings", &list, func(w io.Writer) { printMappings(w, list.Mappings) })
}

func (a *app) getFunctions(c *cobra.Command) error {
	var list struct {
		Functions []struct {
			Name, Kind, Runtime, Handler, ARN, HTTP, Integration string
			Memory                                               int
			Declared                                             bool
		} `json:"functions"`
	}
	return a.fetch(c.Context(), "/gantry/v1/functions", &list, func(w io.Writer) {
		if len(list.Functions) == 0 {
			fmt.Fprintln(w, "no functions yet; make one with: gantry apply -f gantry.yaml")
			return
		}
		row(w, "FUNCTION", "RUNS", "RUNTIME", "HANDLER OR ADDRESS", "FROM")
		for _, f := range list.Functions {
			from := "api"
			if f.Declared {
				from = "file"
			}
			row(w, f.Name, f.Kind, f.Runtime, f.Handler+f.ARN+f.HTTP+f.Integration, from)
		}
	})
}
