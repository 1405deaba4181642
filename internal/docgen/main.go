// Command docgen writes the documents that are made from the code's own tables:
// docs/compatibility.md from the API's list of members and the rows of dataplane.go, the
// states from mapping's table of moves; docs/metrics.md from the tables of /metrics,
// docs/logs.md from that of log events, the Grafana dashboard from that of its panels. A
// test fails when a document has drifted.
//
//	go run ./internal/docgen
//
// docs/errors.md is not made here: the suite test/e2e writes it from what it has seen.
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

//go:generate go run . ../..

// documents gives every document by its path from the root.
func documents() map[string]string {
	return map[string]string{
		"docs/compatibility.md": compatibility(), "docs/metrics.md": metrics(), "docs/roles.md": roles(), "docs/logs.md": logs(), "docs/integrations.md": integrations(),
		"packaging/monitoring/gantry-dashboard.json": grafana(),
	}
}

func main() {
	root := "."
	if len(os.Args) > 1 {
		root = os.Args[1]
	}
	for path, text := range documents() {
		if err := os.WriteFile(filepath.Join(root, path), []byte(text), 0o644); err != nil {
			fmt.Fprintln(os.Stderr, "docgen:", err)
			os.Exit(1)
		}
	}
}
