package aws_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"

	"gantry/integration"
	"gantry/internal/gantrytest"
	"gantry/sink"
)

// everything has a mapping for each statement that gantry iam knows.
const everything = `
region: eu-west-1
accountId: "123456789012"
secrets: [{prefix: "arn:aws:secretsmanager:", from: aws}, {prefix: "vault:", from: aws}]
clusters:
  msk: {brokers: ["b-1.main.abc.c2.kafka.eu-west-1.amazonaws.com:9098"], tls: {}, sasl: {mechanism: AWS_MSK_IAM}, arn: "arn:aws:kafka:eu-west-1:123456789012:cluster/main/6cc0432b-8618-4f44-bccc-e1fbd8fb7c4d-2"}
  nameless: {brokers: ["b-2.main.abc.c2.kafka.eu-west-1.amazonaws.com:9098"], tls: {}, sasl: {mechanism: AWS_MSK_IAM}}
  lent: {brokers: ["b-3.main.abc.c2.kafka.eu-west-1.amazonaws.com:9098"], tls: {}, sasl: {mechanism: AWS_MSK_IAM, iam: {role: "arn:aws:iam::123456789012:role/kafka/reader"}}}
  login: {brokers: ["kafka.example:9096"], tls: {}, sasl: {mechanism: SCRAM-SHA-512, secret: "arn:aws:secretsmanager:eu-west-1:123456789012:secret:plant/kafka"}}
  token: {brokers: ["kafka.example:9098"], tls: {}, sasl: {mechanism: OAUTHBEARER, oauth: {webIdentity: true, audience: "https://kafka.example"}}}
roles: {"arn:aws:iam::123456789012:role/app/orders": {assume: true}}
functions:
  score: {arn: "arn:aws:lambda:eu-west-1:123456789012:function:score:live"}
  file: {arn: "arn:aws:lambda:eu-west-1:123456789012:function:file"}
  local: {runtime: provided.al2023, handler: bootstrap, code: ./code, role: "arn:aws:iam::123456789012:role/app/orders", secrets: {LOGIN: "vault:plant/login#password"}}
  ready: {integration: sqs, settings: {queueUrl: "https://sqs.eu-west-1.amazonaws.com/123456789012/orders"}}
mappings:
  calls: {function: score, cluster: msk, topic: orders, startingPosition: LATEST, onFailure: "kafka://orders.dead"}
  calls-two: {functions: [score, file], cluster: nameless, topic: orders, startingPosition: LATEST, onFailure: "arn:aws:sqs:eu-west-1:123456789012:dead"}
  answers: {function: local, cluster: msk, topic: bills, startingPosition: LATEST, output: {topic: done, transactional: true}}
  to-sns: {function: local, cluster: login, topic: orders, startingPosition: LATEST, onFailure: "arn:aws:sns:eu-west-1:123456789012:dead"}
  to-s3: {function: local, cluster: lent, topic: orders, startingPosition: LATEST, onFailure: "s3://orders-dead"}
  ready-made: {functions: [ready, score], cluster: login, topic: orders, startingPosition: LATEST}
  by-token: {function: local, cluster: token, topic: orders, startingPosition: LATEST}
`

// sids are the statements that gantry iam can print: one that is missing below is not held.
func sids() []string {
	return []string{
		"InvokeTheFunction", "InvokeTheFunctions", "ReadTheSecrets", "WriteDeadLetters", "WriteEachDeadLetterOnce",
		"AssumeTheFunctionsRole", "AssumeTheClustersRole", "GetATokenOfItsOwn", "ConnectToTheCluster", "ReadTheTopic",
		"BeAMemberOfTheGroup", "WriteAnswers", "WriteEachAnswerOnce", "WriteInTransactions", "RunReadyCall1",
	}
}

// Every action, resource and condition of every policy that gantry iam prints is held
// against AWS's Service Authorization Reference, and so are the actions its notes name.
func TestPoliciesOfGantryIAMFitAWSsReference(t *testing.T) {
	t.Parallel()
	r, dir := readReference(t), t.TempDir()
	file := filepath.Join(dir, "gantry.yaml")
	require.NoError(t, os.WriteFile(file, []byte(everything), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "code"), []byte("#!/bin/sh\n"), 0o700))
	source, err := os.ReadFile("../../../doctor/iam.go")
	require.NoError(t, err)
	for _, name := range []string{"iam_login.go", "iam_secrets.go"} {
		more, err := os.ReadFile("../../../doctor/" + name)
		require.NoError(t, err)
		source = append(source, more...)
	}
	known := []string{"RunReadyCall1"} // named after the function
	for _, found := range regexp.MustCompile(`\.allow\("(\w+)"`).FindAllStringSubmatch(string(source), -1) {
		known = append(known, found[1])
	}
	require.ElementsMatch(t, sids(), compact(known), "a new statement needs a mapping above")

	var seen, faults []string
	for _, name := range []string{"calls", "calls-two", "answers", "to-sns", "to-s3", "ready-made", "by-token"} {
		cmd := exec.Command(gantrytest.Binary(t), "iam", name, "-c", file, "-o", "json")
		var notes strings.Builder
		cmd.Stderr = &notes
		out, err := cmd.Output()
		require.NoError(t, err, notes.String())
		var policy struct {
			Statement []struct {
				Sid string
				statement
			}
		}
		require.NoError(t, json.Unmarshal(out, &policy), string(out))
		require.NotEmpty(t, policy.Statement)
		for _, s := range policy.Statement {
			seen, s.Where = append(seen, s.Sid), "gantry iam "+name+": "+s.Sid
			faults = append(faults, r.faults(s.statement)...)
		}
		faults = append(faults, r.unknown("notes of gantry iam "+name, notes.String())...)
	}
	require.ElementsMatch(t, sids(), compact(seen))
	require.Empty(t, faults, strings.Join(faults, "\n"))
}

// The catalogue's policies are held for each value of each setting that has a list of them,
// and for each that can be on or off.
func TestPoliciesOfIntegrationsFitAWSsReference(t *testing.T) {
	t.Parallel()
	r := readReference(t)
	var faults []string
	held := 0
	for _, spec := range integration.Catalogue() {
		for _, s := range settingsOf(spec) {
			if spec.Check(s) != nil {
				continue
			}
			for _, one := range spec.Statements(s) {
				held++
				faults = append(faults, r.faults(statement{Where: fmt.Sprint(spec.Name, " ", s), Effect: one.Effect, Action: one.Action, Resource: one.Resource})...)
			}
		}
	}
	require.Greater(t, held, 40)
	require.Empty(t, compact(faults), strings.Join(faults, "\n"))
}

// settingsOf are settings of an integration: those of its examples, and each value of each
// list in turn.
func settingsOf(spec sink.Spec) []sink.Settings {
	base := sink.Settings{}
	for _, s := range spec.Settings {
		if s.Required && s.Example != "" {
			base[s.Name] = s.Example
		}
	}
	all := []sink.Settings{base}
	for _, s := range spec.Settings {
		values := s.Values
		if values == nil && s.Example != "" {
			values = []string{s.Example}
		}
		for _, v := range values {
			with := sink.Settings{s.Name: v}
			for name, value := range base {
				if name != s.Name {
					with[name] = value
				}
			}
			all = append(all, with)
		}
	}
	return all
}

// What gantry export writes is in case files, which are held against the code beside them.
func TestPoliciesOfExportedTemplatesFitAWSsReference(t *testing.T) {
	t.Parallel()
	r := readReference(t)
	files, err := filepath.Glob("../../../cli/testdata/export/*.cloudformation.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	var faults, templates, inTerraform []string
	for _, file := range files {
		body, err := os.ReadFile(file)
		require.NoError(t, err)
		var template any
		require.NoError(t, yaml.Unmarshal(body, &template), file)
		for _, s := range statementsIn(template) {
			s.Where = filepath.Base(file) + ": " + s.Where
			faults, templates = append(faults, r.faults(s)...), append(templates, s.Action...)
		}
		terraform, err := os.ReadFile(strings.TrimSuffix(file, ".cloudformation.yaml") + ".tf")
		require.NoError(t, err)
		for _, s := range terraformStatements(string(terraform)) {
			s.Where = filepath.Base(file) + " in Terraform: " + s.Where
			faults, inTerraform = append(faults, r.faults(s)...), append(inTerraform, s.Action...)
		}
	}
	require.Greater(t, len(compact(templates)), 20, templates)
	require.Equal(t, compact(templates), compact(inTerraform))
	require.Empty(t, faults, strings.Join(faults, "\n"))
}

// statementsIn finds the statements of policies, wherever they are in a template; those of
// trust, which name a principal, have no resource.
func statementsIn(v any) []statement {
	var all []statement
	switch v := v.(type) {
	case map[string]any:
		if v["Effect"] != nil && v["Principal"] == nil {
			s := statement{Where: fmt.Sprint(v["Sid"]), Effect: fmt.Sprint(v["Effect"])}
			for _, a := range v["Action"].([]any) {
				s.Action = append(s.Action, a.(string))
			}
			for _, one := range v["Resource"].([]any) {
				s.Resource = append(s.Resource, deployed(one))
			}
			return append(all, s)
		}
		for _, inner := range v {
			all = append(all, statementsIn(inner)...)
		}
	case []any:
		for _, inner := range v {
			all = append(all, statementsIn(inner)...)
		}
	}
	return all
}

// deployed is a resource as it is once it is deployed: the ARN of a log group that the
// template makes, a secret that a parameter names.
func deployed(resource any) string {
	if text, ok := resource.(string); ok {
		return text
	}
	of := resource.(map[string]any)
	if at, ok := of["Fn::GetAtt"].([]any); ok && strings.HasSuffix(fmt.Sprint(at[0]), "FunctionLog") {
		return "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/" + fmt.Sprint(at[0]) + ":*"
	}
	return filled(fmt.Sprint(of["Fn::Sub"]))
}

// filled puts an ARN in for a parameter or a resource whose name says what it is.
func filled(text string) string {
	return regexp.MustCompile(`\$\{([^}]*)\}`).ReplaceAllStringFunc(text, func(place string) string {
		name := strings.ToLower(strings.Trim(place, "${}"))
		switch {
		case strings.HasSuffix(name, "secret"):
			return "arn:aws:secretsmanager:eu-west-1:123456789012:secret:" + name
		case strings.HasPrefix(name, "aws_cloudwatch_log_group."):
			return "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/" + strings.Split(name, ".")[1]
		}
		return place
	})
}

func terraformStatements(text string) []statement {
	quoted := regexp.MustCompile(`"((?:[^"\\]|\\.)*)"`)
	list := func(of string) []string {
		var all []string
		for _, found := range quoted.FindAllStringSubmatch(of, -1) {
			all = append(all, filled(found[1]))
		}
		return all
	}
	var all []statement
	for _, found := range regexp.MustCompile(`(?s)sid\s+= ("\w+")\s+actions\s+= \[(.*?)\]\s+resources\s+= \[(.*?)\]\n`).FindAllStringSubmatch(text, -1) {
		all = append(all, statement{Where: found[1], Effect: "Allow", Action: list(found[2]), Resource: list(found[3])})
	}
	return all
}

// The pages name actions in their text, too: each is one of AWS's.
func TestActionsThatThePagesNameExist(t *testing.T) {
	t.Parallel()
	r := readReference(t)
	pages, err := filepath.Glob("../../../docs/*.md")
	require.NoError(t, err)
	require.NotEmpty(t, pages)
	var faults []string
	for _, page := range pages {
		if filepath.Base(page) == "roles.md" {
			continue // its operations are gantry's own
		}
		body, err := os.ReadFile(page)
		require.NoError(t, err)
		faults = append(faults, r.unknown(filepath.Base(page), string(body))...)
	}
	require.Empty(t, faults, strings.Join(faults, "\n"))
}

// unknown are the actions in a text that AWS does not have, of services that it has.
func (r reference) unknown(where, text string) []string {
	var faults []string
	for _, found := range regexp.MustCompile(`\b([a-z0-9-]+):([A-Z][A-Z]*[a-z][A-Za-z]*\*?)`).FindAllStringSubmatch(text, -1) {
		if _, ok := r[found[1]]; ok && len(r.actions(found[0])) == 0 {
			faults = append(faults, where+": "+found[0]+": AWS has no such action")
		}
	}
	return compact(faults)
}

func compact(all []string) []string { return slices.Compact(slices.Sorted(slices.Values(all))) }

// What is wrong is found: each of these has one fault.
func TestTheReferenceFindsFaults(t *testing.T) {
	t.Parallel()
	r := readReference(t)
	good := statement{Effect: "Allow", Action: []string{"sqs:SendMessage"}, Resource: []string{"arn:aws:sqs:eu-west-1:1:q"}}
	require.Empty(t, r.faults(good))
	for want, s := range map[string]statement{
		"no such action":           {Effect: "Allow", Action: []string{"sqs:PutMessage"}, Resource: good.Resource},
		"is none of":               {Effect: "Allow", Action: good.Action, Resource: []string{"arn:aws:sns:eu-west-1:1:q"}},
		"can be bounded to queue":  {Effect: "Allow", Action: good.Action, Resource: []string{"*"}},
		"has no types of resource": {Effect: "Allow", Action: []string{"sts:GetCallerIdentity"}, Resource: []string{"arn:aws:iam::1:role/r"}},
		"no condition key":         {Effect: "Allow", Action: good.Action, Resource: good.Resource, Condition: map[string]map[string]any{"StringEquals": {"sqs:Colour": "red"}}},
		`effect "Deny"`:            {Effect: "Deny", Action: good.Action, Resource: good.Resource},
		"bucket/*: is none of":     {Effect: "Allow", Action: []string{"s3:ListBucket"}, Resource: []string{"arn:aws:s3:::bucket/*"}},
		"bucket: is none of":       {Effect: "Allow", Action: []string{"s3:PutObject"}, Resource: []string{"arn:aws:s3:::bucket"}},
	} {
		faults := r.faults(s)
		require.Len(t, faults, 1, "%s: %v", want, faults)
		require.Contains(t, faults[0], want)
	}
}
