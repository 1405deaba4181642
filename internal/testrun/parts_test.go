package main

import (
	"testing"
	"time"

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

// TestEveryFuzzTargetIsAPart: a target that nobody names is found, runs alone, and shares
// the time with the others.
func TestEveryFuzzTargetIsAPart(t *testing.T) {
	t.Parallel()
	all := []Package{
		{Path: "gantry/kafka", Dir: "kafka", Fuzzers: []string{"FuzzOne", "FuzzTwo"}},
		{Path: "gantry/kafka/keystore", Dir: "kafka/keystore", Fuzzers: []string{"FuzzStore"}},
		{Path: "gantry/record", Dir: "record"},
	}
	chosen, err := choose(Fuzz, nil)
	require.NoError(t, err)
	found := targets(chosen, all, Fuzz)
	require.Len(t, found, 3)
	var spent time.Duration
	for i, want := range []string{"kafka.FuzzOne", "kafka.FuzzTwo", "kafka/keystore.FuzzStore"} {
		require.Equal(t, want, found[i].Name)
		require.Len(t, packagesOf(found[i], all), 1, "go test fuzzes one package at a time")
		spent += found[i].Spend * time.Duration(fuzzWorkers())
	}
	require.InDelta(t, fuzzBudget.Seconds(), spent.Seconds(), 10)
	require.Equal(t, fuzzGlance, targets(chosen, all, Test)[0].Spend)
	require.NotContains(t, fileName(found[2]), "/")
	require.Contains(t, arguments(found[0], Fuzz), "^FuzzOne$")
}
