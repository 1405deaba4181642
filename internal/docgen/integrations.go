package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"gantry/integration"
	"gantry/sink"
)

const integrationsIntroduction = `# Integrations

Functions that gantry brings along: each carries records to one kind of place. A function of the configuration names one and gives it settings:

` + "```yaml" + `
functions:
  orders-to-api: { integration: http, settings: { url: "https://api.example.com/orders" }, timeout: 30s }
` + "```" + `

This file is made from the code (` + "`go run ./internal/docgen`" + `); ` + "`gantry integrations`" + ` and ` + "`gantry integrations show NAME`" + ` print the same.

## What holds for all

- **Nothing is lost.** A record is written, or named in the function's answer as failed and comes again (AWS's partial batch response; a mapping to an integration has it by itself), or the invocation fails as a whole.
- **A record may come again** after a restart, a rebalance or a timeout. What that does is said with each entry; where a service takes a client token or a key, it is topic-partition-offset.
- **Order** within a partition is kept: what stands behind a failed record of its partition comes again with it. A record that the service will never take (too large, not valid) holds nobody back; it comes again alone until ` + "`maximumRetryAttempts`" + ` gives it up to ` + "`onFailure`" + `. Without a limit it is tried for ever, so give such mappings both.
- **A busy service** (throttling, 503, not reachable) costs no attempt where nothing of the batch was written: gantry waits as the service asks, or backs off. What was put off within a batch is tried again in the same invocation, while the function's timeout lasts. In AWS Lambda a batch of which nothing was written is a function error, which Lambda tries again.
- **A wrong setup** (no such bucket, not allowed) makes the records wait, and the mapping shows the problem.
- **Settings** are checked when the file is applied, all faults at once. One that is a secret is a reference (` + "`secret:NAME`, `env:NAME`, `file:PATH`" + `, the ARN of a secret), resolved at use and read anew when a service refuses it.
- **AWS's credentials** are those of the function's ` + "`role`" + ` (it needs an entry in ` + "`roles:`" + `), else those of ` + "`aws:`" + `. ` + "`network:`" + ` of the function is how an HTTP service or a database is reached.
- **Templates** (a setting that says so) hold places: ` + "`{{ .value.customer.id }}`, `{{ .key }}`, `{{ .headers.NAME }}`, `{{ .topic }}`, `{{ .partition }}`, `{{ .offset }}`, `{{ .timestamp }}` (milliseconds), `{{ .time.Format \"2006/01/02\" }}` (UTC), `{{ .token }}` (topic-partition-offset), `{{ json .value }}`, `{{ string .value }}` (a JSON text of it), `{{ default \"x\" (index .value \"y\") }}`" + `. A record that lacks what a place asks for is refused.

## In AWS Lambda

` + "`gantry integration package NAME -o NAME.zip`" + ` writes a deployment package whose ` + "`bootstrap`" + ` is gantry's Linux binary: the same code as a function of its own (runtime ` + "`provided.al2023`" + `). It prints the ` + "`aws lambda create-function`" + ` line. The environment says what it is: ` + "`" + sink.EnvironmentName + "`" + ` is the name, each setting a variable ` + "`" + sink.EnvironmentSetting + "…`" + `. Give the event source mapping ReportBatchItemFailures. The same zip runs here too (` + "`runtime: provided.al2023`, `code: FOLDER`" + ` or the aws CLI against gantry).
`

func integrations() string {
	var b strings.Builder
	b.WriteString(integrationsIntroduction)
	b.WriteString("\n## The catalogue\n\n| Name | To | What it does |\n| --- | --- | --- |\n")
	for _, sp := range integration.Catalogue() {
		fmt.Fprintf(&b, "| [%s](#%s) | %s | %s |\n", sp.Name, sp.Name, cell(sp.Title), cell(sp.About))
	}
	for _, sp := range integration.Catalogue() {
		integrationEntry(&b, sp)
	}
	return b.String()
}

func integrationEntry(b *strings.Builder, sp sink.Spec) {
	fmt.Fprintf(b, "\n## %s\n\n%s: %s\n\n| Setting | Variable in AWS | What it is |\n| --- | --- | --- |\n", sp.Name, sp.Title, sp.About)
	for _, s := range sp.Settings {
		about := s.About
		if s.Required {
			about = "**required**; " + about
		}
		if s.Secret {
			about += "; a reference to a secret"
		}
		if len(s.Values) > 0 {
			about += "; one of " + strings.Join(s.Values, ", ")
		}
		if s.Default != "" {
			about += "; default `" + s.Default + "`"
		}
		if s.Example != "" {
			about += "; such as `" + s.Example + "`"
		}
		fmt.Fprintf(b, "| `%s` | `%s` | %s |\n", s.Name, sink.Variable(s.Name), cell(about))
	}
	fmt.Fprintf(b, "\n**Limits.** %s\n\n**Repeats.** %s\n", sp.Limits, sp.Repeats)
	if policy := sp.Statements(nil); len(policy) > 0 {
		body, _ := json.MarshalIndent(map[string]any{"Version": "2012-10-17", "Statement": policy}, "", "  ") // texts only
		fmt.Fprintf(b, "\nPermissions in AWS:\n\n```json\n%s\n```\n", body)
		if more := sink.Unbounded(policy); more != "" {
			fmt.Fprintf(b, "\n%s\n", more)
		}
	}
	fmt.Fprintf(b, "\n```yaml\n%s```\n", sp.Example)
}
