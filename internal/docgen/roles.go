package main

import (
	"fmt"
	"slices"
	"strings"

	"gantry/api/admin"
	"gantry/api/door"
	"gantry/api/lambda"
)

const rolesIntroduction = `# Roles

What each operation of both APIs asks of a key (` + "`keys:`" + ` in the [configuration](configuration.md)). This file is made from the code (` + "`go run ./internal/docgen`" + `).

- **viewer** reads what runs: states, offsets, configurations, metrics. Never a payload, what a function writes, the value of an environment variable, or code.
- **operator** keeps it running, too: pauses and resumes, invokes, writes to topics, accepts losses, limits concurrency, reads the logs of functions.
- **admin** decides which code runs and with whose data. The key that gantry makes on its first start is an admin's, and so is everybody in ` + "`gantry demo`" + `.

A key that names a function (` + "`{id, secret, function: NAME}`" + `) has no role. It speaks for that function and does one thing, gantry:produce: it writes to the topics of the function's ` + "`produce:`" + ` right ([produce](produce.md)) and is refused everything else.

A role may do what those above it in this list may. Whoever may not is answered AccessDeniedException, 403, before anything of the request is read.

| Operation | viewer | operator | admin | Method and path |
| --- | --- | --- | --- | --- |
`

// roles draws the table of what each role may do.
func roles() string {
	var b strings.Builder
	b.WriteString(rolesIntroduction)
	for _, o := range operations() {
		need := door.Needs(o.name)
		yes := func(role door.Role) string {
			if role == need || role == door.Operator && need == door.Viewer {
				return "yes"
			}
			return ""
		}
		fmt.Fprintf(&b, "| %s | %s | %s | yes | `%s %s` |\n", o.name, yes(door.Viewer), yes(door.Operator), o.method, o.path)
	}
	return b.String()
}

type operation struct{ name, method, path string }

// operations are those of both APIs, in order of name.
func operations() []operation {
	var all []operation
	for _, r := range lambda.Routes() {
		all = append(all, operation{door.LambdaAPI + r.Operation, r.Method, r.Path})
	}
	for _, r := range admin.Routes() {
		all = append(all, operation{door.AdminAPI + r.Operation, r.Method, r.Path})
	}
	slices.SortFunc(all, func(a, b operation) int { return strings.Compare(a.name, b.name) })
	return all
}
