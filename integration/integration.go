// Package integration is the catalogue of ready-made functions: each child writes the
// records of a mapping to one kind of place, in the words of package sink.
//
// The flow: a function that names an integration and its settings is looked up here,
// its settings are checked, and its Sink is made with what main hands over. The same
// entries run in AWS Lambda, where gantry's binary is started as `bootstrap`.
package integration

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"gantry/integration/aws"
	"gantry/integration/http"
	"gantry/integration/kafka"
	"gantry/integration/mongodb"
	"gantry/integration/opensearch"
	"gantry/integration/s3"
	"gantry/integration/table/mysql"
	"gantry/integration/table/postgresql"
	"gantry/sink"
)

// Catalogue gives every entry, in the order of their names.
func Catalogue() []sink.Spec {
	all := []sink.Spec{
		http.Spec(), kafka.Spec(), s3.Spec(), mongodb.Spec(),
		mysql.Spec(),
		opensearch.Spec(),
		postgresql.Spec(),
	}
	all = append(all, aws.Specs()...)
	slices.SortFunc(all, func(a, b sink.Spec) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// Find gives the entry of a name; the error lists those there are.
func Find(name string) (sink.Spec, error) {
	var names []string
	for _, sp := range Catalogue() {
		if sp.Name == name {
			return sp, nil
		}
		names = append(names, sp.Name)
	}
	return sink.Spec{}, fmt.Errorf("there is no integration %q; there are %s", name, strings.Join(names, ", "))
}

// OneLane says why a mapping to an integration must keep one lane a partition, or "".
func OneLane(name string, settings map[string]string) string {
	sp, err := Find(name)
	if err != nil || sp.OneLane == nil {
		return ""
	}
	return sp.OneLane(settings)
}

// Check says what is wrong with a function of an integration, all of it at once: a line
// for each fault, which begins with the member it is about.
func Check(name string, settings map[string]string) error {
	sp, err := Find(name)
	if err != nil {
		return fmt.Errorf("integration: %w", err)
	}
	err = sp.Check(settings)
	if err == nil {
		return nil
	}
	return errors.New("settings." + strings.ReplaceAll(err.Error(), "\n", "\nsettings."))
}
