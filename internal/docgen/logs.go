package main

import (
	"cmp"
	"fmt"
	"strings"

	"gantry/telemetry/logevent"
)

const logsHead = `<!-- made by: go run ./internal/docgen; do not edit -->
# Log events

` + "`gantry serve`" + ` logs to stderr: text, or JSON lines with ` + "`--log-json`" + ` (in the file ` + "`telemetry: {logs: {format: json}}`" + `). Every line has an ` + "`event`" + `: its name stays when its words are put better, so search and alert by it. No line holds a payload: no value, key or header of a record, no answer of a function. What functions write is in their own logs (` + "`gantry logs`" + `), and changes by people are in the audit log.

A line of a library has the event ` + "`unnamed`" + `, one of the HTTP server about a connection ` + "`api.connection`" + `.

| event | level | message | attributes | what it means |
| --- | --- | --- | --- | --- |
`

// logs is docs/logs.md, from the table of events.
func logs() string {
	var b strings.Builder
	b.WriteString(logsHead)
	for _, e := range logevent.Events() {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", e.Name, strings.ToLower(e.Level.String()), e.Says, strings.Join(e.Attrs, ", "), cmp.Or(e.About, "–"))
	}
	return b.String()
}
