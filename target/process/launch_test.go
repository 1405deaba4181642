//go:build unix

package process_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"gantry/function"
	"gantry/target/process"
)

// Fake interpreters say what the real ones would.
const (
	brokenShim = "echo \"command not found\"; exit 127"
	python313  = "echo /opt/py313/bin/python3; echo 3.13; echo False"
	python311  = "echo /opt/py311/bin/python3; echo 3.11; echo True"
	python27   = "echo 'SyntaxError: invalid syntax'; exit 1"
	node20     = "echo v20.20.2"
	node22     = "echo v22.11.0"
	java17     = "echo 'openjdk version \"17.0.15\" 2025-04-15' >&2"
	java8      = "echo 'java version \"1.8.0_402\"' >&2"
	javac      = "for last; do :; done; while [ \"$1\" != -d ]; do shift; done; : > \"$2/GantryBootstrap.class\""
)

func TestInterpreters(t *testing.T) {
	t.Parallel()
	type programs map[string]string
	tests := []struct {
		name, runtime string
		path          programs
		warning, err  string
	}{
		{"exact Python", "python3.13", programs{"python3.13": python313, "python3": python311}, "", ""},
		{"nearest Python", "python3.12", programs{"python3.12": brokenShim, "python3.9": python27, "python3.13": python313, "python3.11": python311}, "python3.12 runs on Python 3.13 (/opt/py313/bin/python3)", ""},
		{"only python3", "python3.9", programs{"python3": python311}, "python3.9 runs on Python 3.11", ""},
		{"no Python", "python3.12", programs{"python3": brokenShim}, "", "no Python 3 on PATH works; install python3.12"},
		{"exact Node.js", "nodejs22.x", programs{"node": node22}, "", ""},
		{"versioned Node.js", "nodejs22.x", programs{"node": node20, "node22": node22}, "", ""},
		{"other Node.js", "nodejs24.x", programs{"node": node22}, "nodejs24.x runs on Node.js 22", ""},
		{"no Node.js", "nodejs22.x", nil, "", "no Node.js works (looked for node22, nodejs22, node, nodejs)"},
		{"exact Java", "java17", programs{"java": java17, "javac": javac}, "", ""},
		{"Java 8", "java8.al2", programs{"java": java8, "javac": javac}, "", ""},
		{"other Java", "java21", programs{"java": java17, "javac": javac}, "java21 runs on Java 17", ""},
		{"no compiler", "java17", programs{"java": java17}, "", "there is no compiler (javac) for gantry's own bootstrap"},
		{"no Java", "java17", nil, "", "java is not on PATH; install a JDK"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			bin := t.TempDir()
			for name, body := range test.path {
				require.NoError(t, os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"+body+"\n"), 0o700))
			}
			pool, err := process.New(function.Function{Name: "orders", Runtime: test.runtime, Handler: "app.handler"},
				process.Config{CodeDir: t.TempDir(), DataDir: t.TempDir(), Path: bin})
			if test.err != "" {
				require.ErrorContains(t, err, test.err)
				return
			}
			require.NoError(t, err)
			if test.warning == "" {
				require.Empty(t, pool.Warnings())
				return
			}
			require.Len(t, pool.Warnings(), 1)
			require.Contains(t, pool.Warnings()[0], test.warning)
		})
	}
}
