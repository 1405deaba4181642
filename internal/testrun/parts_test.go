package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestEveryPackageHasAPart: a package that no part runs is a package that is not tested.
func TestEveryPackageHasAPart(t *testing.T) {
	t.Parallel()
	all := []Package{
		{Path: "gantry/record", Dir: "record"},
		{Path: "gantry/kafka", Dir: "kafka", Gated: true},
		{Path: "gantry/test/e2e", Dir: "test/e2e", Gated: true},
		{Path: "gantry/test/conformance/python", Dir: "test/conformance/python"},
		{Path: "gantry/test/e2eish", Dir: "test/e2eish"},
		{Path: "gantry/test/brandnew", Dir: "test/brandnew"},
	}
	runs := map[string][]string{}
	for _, p := range parts {
		for _, path := range packagesOf(p, all) {
			runs[path] = append(runs[path], p.Name)
		}
	}
	require.Equal(t, map[string][]string{
		"gantry/record":                  {"unit", "race"},
		"gantry/kafka":                   {"unit", "race", "kafka"},
		"gantry/test/e2e":                {"e2e"},
		"gantry/test/conformance/python": {"conformance"},
		"gantry/test/e2eish":             {"unit", "race"},
		"gantry/test/brandnew":           {"unit", "race"},
	}, runs)
}

func TestPartsOfEachSize(t *testing.T) {
	t.Parallel()
	for _, size := range sizes {
		chosen, err := choose(size, nil)
		require.NoError(t, err)
		require.NotEmpty(t, chosen, size)
	}
	_, err := choose(Soak, []string{"unit"})
	require.ErrorContains(t, err, `soak has no part "unit"`)
}

func TestResultsOfTwoPartsAreOne(t *testing.T) {
	t.Parallel()
	a, b, c := ID{"p", "TestA"}, ID{"p", "TestB"}, ID{"p", "TestC"}
	into := map[ID]Result{a: {Action: "skip", Why: "no Kafka"}, b: {Action: "pass"}, c: {Action: "fail"}}
	merge(into, map[ID]Result{a: {Action: "pass"}, b: {Action: "fail"}, c: {Action: "pass"}})
	require.Equal(t, Count{Passed: 1, Failed: 2}, count(into))
}
