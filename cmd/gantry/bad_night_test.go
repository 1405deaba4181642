package main

import (
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"
)

const nightPage = "../../docs/bad-night.md"

// alerts reads the names of the rules that are shipped, each with its runbook.
func alerts(t *testing.T) map[string]string {
	t.Helper()
	body, err := os.ReadFile("../../packaging/monitoring/gantry.rules.yml")
	require.NoError(t, err)
	var file struct {
		Groups []struct {
			Rules []struct {
				Alert       string
				Annotations struct{ Runbook string }
			}
		}
	}
	require.NoError(t, yaml.Unmarshal(body, &file))
	names := map[string]string{}
	for _, g := range file.Groups {
		for _, r := range g.Rules {
			names[r.Alert] = r.Annotations.Runbook
		}
	}
	return names
}

// TestEveryAlertHasItsSection and every section its alert.
func TestEveryAlertHasItsSection(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(nightPage)
	require.NoError(t, err)
	rules := alerts(t)
	require.Len(t, rules, 10)
	sections := strings.Split(string(page), "\n## ")[1:]
	require.Len(t, sections, len(rules))
	for _, s := range sections {
		name, body, _ := strings.Cut(s, "\n")
		require.Contains(t, rules, name)
		require.Equal(t, "docs/bad-night.md#"+strings.ToLower(name), rules[name])
		for _, part := range []string{"**Means:**", "**Look at:**", "**Type:**", "\ngantry "} {
			require.Contains(t, body, part, name)
		}
	}
}

var quoted = regexp.MustCompile(`"[^"]*"|\S+`)

// typed are the commands of a page: lines of its code, and code within its sentences.
func typed(page string) []string {
	var lines []string
	for i, part := range strings.Split(page, "```") {
		if i%2 == 1 {
			for line := range strings.Lines(part) {
				lines = append(lines, strings.TrimSpace(line))
			}
			continue
		}
		for _, m := range regexp.MustCompile("`(gantry [^`]+)`").FindAllStringSubmatch(part, -1) {
			lines = append(lines, m[1])
		}
	}
	return slices.DeleteFunc(lines, func(l string) bool { return !strings.HasPrefix(l, "gantry ") })
}

// TestEveryCommandOfTheBadNightExists, with its flags and as many words as it takes.
func TestEveryCommandOfTheBadNightExists(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(nightPage)
	require.NoError(t, err)
	lines := typed(string(page))
	require.Greater(t, len(lines), 20)
	for _, line := range lines {
		line, _, _ := strings.Cut(line, " #")
		var words []string
		for _, w := range quoted.FindAllString(line, -1)[1:] {
			words = append(words, strings.Trim(w, `"`))
		}
		root := commands(streams{strings.NewReader(""), io.Discard, io.Discard})
		c, rest, err := root.Find(words)
		require.NoError(t, err, line)
		require.True(t, c.Runnable(), "%s: no such command", line)
		require.NoError(t, c.ParseFlags(rest), line)
		require.NoError(t, c.ValidateArgs(c.Flags().Args()), line)
	}
}
