package aws_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"gantry/internal/fakelambda"
	"gantry/internal/gantrytest"
)

// noted are the statements that the notes of gantry iam name beside its document: what
// looking at letters and redriving them takes. A bucket's objects have an ARN of their own.
func noted(t *testing.T, config string) []permitted {
	t.Helper()
	file := filepath.Join(t.TempDir(), "gantry.yaml")
	require.NoError(t, os.WriteFile(file, []byte(config), 0o600))
	cmd := exec.Command(gantrytest.Binary(t), "iam", "orders", "-c", file)
	var notes strings.Builder
	cmd.Stderr = &notes
	require.NoError(t, cmd.Run())
	found := regexp.MustCompile(`# gantry (?:deadletters|doctor) takes ([^;\n]+)`).FindStringSubmatch(notes.String())
	require.NotNil(t, found, notes.String())
	at := regexp.MustCompile(`arn:[^ ,]+`).FindString(found[1])
	var all []permitted
	for _, action := range regexp.MustCompile(`(?:sqs|sns|s3):[A-Z]\w+`).FindAllString(found[1], -1) {
		on := at
		if strings.Contains(action, "Object") {
			on += "/*"
		}
		all = append(all, permitted{Effect: "Allow", Action: []string{action}, Resource: []string{on}})
	}
	require.NotEmpty(t, all)
	return all
}

// With the actions that the notes name as well, letters are looked at and redriven, and
// gantry doctor is content. Each of them is used, and without them gantry names one.
func TestTheNotedActionsAreEnoughForLetters(t *testing.T) {
	t.Parallel()
	p := newProving(t)
	for name, one := range proofs() {
		one.functions = "score"
		config := p.filled(t, one)
		whole, more := printed(t, config), noted(t, config)
		with := document{whole.Version, slices.Concat(whole.Statement, more)}
		r, without := p.run(config, whole, lack{}, with), p.run(config, whole, lack{}, whole)
		r.T, without.T = t, t
		p.guard(true)
		p.redriven(r, name)
		allowed, refused := p.decisions(r.user)
		require.Empty(t, refused)
		for _, s := range more {
			require.True(t, lack{s.Action[0], s.Resource[0]}.in(allowed), "%v was never asked for", s)
		}
		g := without.start()
		require.EventuallyWithT(t, func(c *assert.CollectT) {
			said, _ := g.CLI("doctor", "mapping", "orders")
			require.Regexp(c, "(?s)failed +reach the destination.*"+more[0].Action[0], said)
		}, time.Minute, 100*time.Millisecond)
		require.NoError(t, g.Stop())
		p.guard(false)
	}
}

// redriven has a letter written and then everything done with it that gantry can do.
func (p proving) redriven(r run, name string) {
	p.lambda.Do(fakelambda.Fail("Error", "told to fail"))
	g := r.start()
	g.MustCLI("wait", "orders", "--settled", "--timeout", "60s")
	p.lambda.Do(fakelambda.Answer("null"))
	said, _ := g.CLI("doctor", "mapping", "orders")
	require.Regexp(r.T, `ok +reach the destination arn:aws:`, said)
	if name != "to SNS" { // a topic can't be listed
		require.Contains(r.T, g.MustCLI("deadletters", "list", "orders"), "told to fail")
		g.MustCLI("deadletters", "redrive", "orders", "--to", "function", "--yes", "--reason", "repaired")
		require.Contains(r.T, g.MustCLI("deadletters", "list", "orders", "--state", "pending"), "no dead letters")
	}
	require.NoError(r.T, g.Stop())
}
