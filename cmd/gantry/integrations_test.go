package main

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"gantry/declare"
	"gantry/integration"
	"gantry/sink"
)

// TestEveryEntryIsWhole holds each entry of the catalogue against what users read: its
// example is a file that gantry accepts, and nothing is left unsaid.
func TestEveryEntryIsWhole(t *testing.T) {
	t.Parallel()
	for _, sp := range integration.Catalogue() {
		t.Run(sp.Name, func(t *testing.T) {
			t.Parallel()
			for what, text := range map[string]string{"title": sp.Title, "about": sp.About, "limits": sp.Limits, "repeats": sp.Repeats} {
				require.NotEmpty(t, text, what)
			}
			file, err := declare.Parse([]byte(sp.Example), declare.Identity{Name: "example.yaml", Dir: t.TempDir(), Integration: integration.Check})
			require.NoError(t, err)
			require.NotEmpty(t, file.Functions)
			require.NotEmpty(t, file.Mappings)
			for _, fn := range file.Functions {
				require.Equal(t, sp.Name, fn.Integration)
				full, err := sp.Prepare(fn.Settings)
				require.NoError(t, err)
				made, err := sp.New(full, sink.Deps{Function: fn.Name}.WithDefaults())
				require.NoError(t, err, "New connects to nothing")
				require.NoError(t, made.Close())
			}
			seen := map[string]bool{}
			for _, s := range sp.Settings {
				require.NotEmpty(t, s.About, s.Name)
				require.False(t, seen[sink.Variable(s.Name)], "%s: two settings of one variable", s.Name)
				seen[sink.Variable(s.Name)] = true
				if s.Default != "" && s.Check != nil {
					require.NoError(t, s.Check(s.Default), s.Name)
				}
				if s.Default != "" && s.Values != nil {
					require.Contains(t, s.Values, s.Default)
				}
			}
		})
	}
}

// TestTheCatalogueIsPrinted: the commands show each entry whole, with what it may do in AWS
// where it calls AWS.
func TestTheCatalogueIsPrinted(t *testing.T) {
	t.Parallel()
	said := func(line ...string) string {
		var out, errs bytes.Buffer
		require.Zero(t, run(t.Context(), line, streams{strings.NewReader(""), &out, &errs}), errs.String())
		return out.String()
	}
	list := said("integrations")
	for _, sp := range integration.Catalogue() {
		require.Regexp(t, "(?m)^"+sp.Name+" ", list)
		shown := said("integrations", "show", sp.Name)
		for _, s := range sp.Settings {
			require.Regexp(t, "(?m)^  "+regexp.QuoteMeta(s.Name)+" ", shown)
		}
		require.Contains(t, shown, strings.ReplaceAll(strings.TrimSpace(sp.Example), "\n", "\n  "))
		outside := slices.Contains([]string{"http", "kafka", "mongodb", "mysql", "opensearch", "postgresql"}, sp.Name)
		require.Equal(t, !outside, strings.Contains(shown, "PERMISSIONS"), sp.Name)
		require.Equal(t, !outside, strings.Contains(shown, `"Effect": "Allow"`), sp.Name)
	}
}

func TestFaultsOfSettingsAreFaultsOfTheFile(t *testing.T) {
	t.Parallel()
	_, err := declare.Parse([]byte("functions:\n  a: { integration: http, settings: { methd: X, mode: both } }\n  b: { integration: s4 }\n"),
		declare.Identity{Name: "f.yaml", Integration: integration.Check})
	for _, want := range []string{"functions.a.settings.methd: is no setting of http", "functions.a.settings.mode: ", "functions.a.settings.url: is missing", "functions.b.integration: there is no integration \"s4\""} {
		require.ErrorContains(t, err, want)
	}
}
