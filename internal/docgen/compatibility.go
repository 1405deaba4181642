package main

import (
	"fmt"
	"strings"

	"gantry/api/lambda"
	"gantry/mapping"
)

const introduction = `# Compatibility with AWS Lambda

What gantry answers and does, compared with AWS Lambda's event source mappings for Apache Kafka. This file is made from the code (` + "`go run ./internal/docgen`" + `); the members are held against the AWS SDK for Go by a test.

| Standing | Meaning |
| --- | --- |
| same | as AWS documents it |
| chosen | AWS is silent, or it can't be the same here; the note says what gantry does |
| beyond | more than AWS has, opt-in |
| not yet | AWS has it; gantry refuses it by name |
| not Kafka | belongs to other event sources; refused by name |
| not shown | a member of an answer that gantry has no value for |
`

func compatibility() string {
	var b strings.Builder
	b.WriteString(introduction)
	b.WriteString("\n## What happens to records\n")
	for _, s := range dataPlane {
		fmt.Fprintf(&b, "\n### %s\n\n", s.title)
		rows(&b, "Behaviour", s.rows)
	}
	b.WriteString("\n## What the API does beyond its members\n\n")
	rows(&b, "Subject", lambda.Behaviours())
	states(&b)
	b.WriteString("\n## Members of the API\n\nA member of AWS's model that an operation lists here and gantry does not do is refused with InvalidParameterValueException, naming it, unless it has AWS's default.\n")
	for _, o := range lambda.Compatibility() {
		members(&b, o)
	}
	fmt.Fprintf(&b, "\n## Operations that are not answered\n\nUnknownOperationException, 404: %s.\n", strings.Join(lambda.Unanswered(), ", "))
	return b.String()
}

func rows(b *strings.Builder, subject string, all []lambda.Behaviour) {
	fmt.Fprintf(b, "| %s | Standing | Note |\n| --- | --- | --- |\n", subject)
	for _, r := range all {
		fmt.Fprintf(b, "| %s | %s | %s |\n", cell(r.Subject), r.Standing, cell(r.Note))
	}
}

func members(b *strings.Builder, o lambda.Operation) {
	fmt.Fprintf(b, "\n### %s\n\n| Member | Standing | Note |\n| --- | --- | --- |\n", o.Name)
	for _, m := range o.Members {
		note := m.Note
		if len(m.Accepts) > 0 {
			note = strings.TrimPrefix(note+"; accepted: "+strings.Join(m.Accepts, ", "), "; ")
		}
		fmt.Fprintf(b, "| %s | %s | %s |\n", m.Name, m.Standing, cell(note))
	}
}

// states draws the table of moves.
func states(b *strings.Builder) {
	b.WriteString("\n## States of a mapping\n\nAWS publishes the names of the states and no diagram; these are gantry's moves. A mapping that runs with a problem is Enabled, and says so in LastProcessingResult and StateTransitionReason ([errors](errors.md)).\n\n| From | To |\n| --- | --- |\n")
	for _, s := range []mapping.State{
		mapping.Creating, mapping.Enabling, mapping.Enabled, mapping.Disabling, mapping.Disabled, mapping.Updating, mapping.Deleting,
	} {
		var to []string
		for _, next := range s.Moves() {
			to = append(to, string(next))
		}
		if len(to) == 0 {
			to = []string{"gone: Get is 404"}
		}
		fmt.Fprintf(b, "| %s | %s |\n", s, strings.Join(to, ", "))
	}
}

func cell(s string) string { return strings.NewReplacer("|", `\|`, "\n", " ").Replace(s) }
