package doctor

import (
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kmsg"

	"gantry/kafka"
	"gantry/mapping"
)

// entry is one ACL as a broker keeps it, on the cluster it is made on.
type entry struct {
	cluster    string // first, or elsewhere
	principal  string
	host       string
	permission kmsg.ACLPermissionType
	resource   kmsg.ACLResourceType
	pattern    kmsg.ACLResourcePatternType
	name       string
	operation  kmsg.ACLOperation
}

// The Terraform that is printed makes the ACLs that the commands make, those and no
// others; and both make the needs.
func TestTerraformMakesTheACLsOfTheCommands(t *testing.T) {
	t.Parallel()
	for name, c := range terraformCases() {
		for _, optional := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, optional %t", name, optional), func(t *testing.T) {
				t.Parallel()
				needs := append(kafka.Needs(c.mapping), c.more...)
				lists := AccessLists(needs, c.principal, "k:9092", optional)
				there := kafka.NeedsElsewhere(c.mapping)
				if len(there) > 0 {
					lists = lists.And(AccessLists(there, "User:there", "elsewhere:9092", optional))
				}
				made := ofTerraform(t, lists.Terraform)
				require.ElementsMatch(t, ofCommands(t, lists.Commands), made)

				want := map[entry]bool{}
				ofNeeds(t, want, needs, entry{cluster: "first", principal: c.principal}, optional)
				ofNeeds(t, want, there, entry{cluster: "elsewhere", principal: "User:there"}, optional)
				require.Len(t, made, len(want))
				for _, e := range made {
					require.True(t, want[e], "%+v is not needed", e)
				}
			})
		}
	}
}

type terraformCase struct {
	mapping   mapping.Mapping
	more      []kafka.Need
	principal string
}

func terraformCases() map[string]terraformCase {
	orders := mapping.Mapping{UUID: "1111", GroupID: "gantry.orders", Source: mapping.Source{Topics: []string{"orders"}, Cluster: "main"}}
	with := func(change func(*mapping.Mapping)) mapping.Mapping {
		m := orders
		change(&m)
		return m
	}
	letters := with(func(m *mapping.Mapping) { m.OnFailure = "kafka://orders.dead" })
	queue := with(func(m *mapping.Mapping) { m.OnFailure = "arn:aws:sqs:eu-west-1:123456789012:dead" })
	exactly := with(func(m *mapping.Mapping) {
		m.OnFailure = "kafka://orders.dead"
		m.Output = &mapping.Output{Topic: "out", Topics: []string{"more"}, Transactional: true}
	})
	return map[string]terraformCase{
		"plain":         {mapping: orders, principal: "User:gantry"},
		"dead letters":  {mapping: letters, principal: "User:CN=a b,O=c"},
		"transactional": {mapping: exactly, principal: "User:gantry"},
		"output elsewhere": {principal: "User:gantry", mapping: with(func(m *mapping.Mapping) {
			m.OnFailure = "kafka://out" // on both clusters a topic of this name
			m.Output = &mapping.Output{Topic: "out", Cluster: "other"}
		})},
		"redrive":                  {mapping: letters, more: kafka.RedriveNeeds(letters), principal: "User:gantry"},
		"redrive from a queue":     {mapping: queue, more: kafka.RedriveNeeds(queue), principal: "User:gantry"},
		"redrive of transactional": {mapping: exactly, more: kafka.RedriveNeeds(exactly), principal: "User:gantry"},
		"answers among letters": {principal: "User:gantry", mapping: with(func(m *mapping.Mapping) {
			m.OnFailure, m.Output = "kafka://aside", &mapping.Output{Topic: "aside"}
		})},
		"names that are nearly one": {principal: "User:gantry", mapping: with(func(m *mapping.Mapping) {
			m.Source.Topics = []string{"a.b", "a_b", "A-B", "a.b.2"}
		})},
		"a principal to quote": {mapping: orders, principal: `User:CN="a\,b" ${c} %{d} $5 it's,O=é` + "\t"},
	}
}

// The entries of one mapping, written down, so that the readers below are held as well.
func TestTerraformOfATransactionalMapping(t *testing.T) {
	t.Parallel()
	m := terraformCases()["transactional"].mapping
	allowed := func(resource kmsg.ACLResourceType, name string, operation kmsg.ACLOperation) entry {
		return entry{"first", "User:x", "*", kmsg.ACLPermissionTypeAllow, resource, kmsg.ACLResourcePatternTypeLiteral, name, operation}
	}
	ids := allowed(kmsg.ACLResourceTypeTransactionalId, "gantry.1111.", kmsg.ACLOperationWrite)
	ids.pattern = kmsg.ACLResourcePatternTypePrefixed
	require.Equal(t, []entry{
		allowed(kmsg.ACLResourceTypeTopic, "orders", kmsg.ACLOperationRead),
		allowed(kmsg.ACLResourceTypeGroup, "gantry.orders", kmsg.ACLOperationRead),
		allowed(kmsg.ACLResourceTypeTopic, "orders.dead", kmsg.ACLOperationWrite),
		allowed(kmsg.ACLResourceTypeTopic, "out", kmsg.ACLOperationWrite),
		allowed(kmsg.ACLResourceTypeTopic, "more", kmsg.ACLOperationWrite),
		ids,
	}, ofTerraform(t, AccessLists(kafka.Needs(m), "User:x", "k:9092", false).Terraform))
}

func ofNeeds(t *testing.T, want map[entry]bool, needs []kafka.Need, e entry, optional bool) {
	t.Helper()
	for _, n := range needs {
		if n.Optional && !optional {
			continue
		}
		e.host, e.permission, e.name, e.pattern = "*", kmsg.ACLPermissionTypeAllow, n.Name, kmsg.ACLResourcePatternTypeLiteral
		if n.Prefixed {
			e.pattern = kmsg.ACLResourcePatternTypePrefixed
		}
		e.resource, e.operation = resourceOf(t, n.Resource), operationOf(t, n.Operation)
		want[e] = true
	}
}

// ofCommands reads command lines as a shell and kafka-acls do: any host, literal names
// unless told otherwise.
func ofCommands(t *testing.T, commands []string) []entry {
	t.Helper()
	var out []entry
	for _, command := range commands {
		split, err := exec.Command("sh", "-c", "set -- "+command+"\n"+`printf '%s\0' "$@"`).Output()
		require.NoError(t, err, command)
		words := strings.Split(strings.TrimSuffix(string(split), "\x00"), "\x00")
		require.Equal(t, "kafka-acls", words[0])
		e := entry{host: "*", pattern: kmsg.ACLResourcePatternTypeLiteral}
		add := false
		for i := 1; i < len(words); i += 2 {
			switch words[i] {
			case "--bootstrap-server":
				e.cluster = map[string]string{"k:9092": "first", "elsewhere:9092": "elsewhere"}[words[i+1]]
			case "--add":
				add = true
				i--
			case "--allow-principal":
				e.principal, e.permission = words[i+1], kmsg.ACLPermissionTypeAllow
			case "--operation":
				e.operation = operationOf(t, words[i+1])
			case "--topic", "--group", "--transactional-id":
				e.resource, e.name = resourceOf(t, words[i][2:]), words[i+1]
			case "--resource-pattern-type":
				require.Equal(t, "prefixed", words[i+1])
				e.pattern = kmsg.ACLResourcePatternTypePrefixed
			default:
				t.Fatalf("%s: the word %q", command, words[i])
			}
		}
		require.True(t, add, command)
		out = append(out, e)
	}
	return out
}

var (
	blockBegins = regexp.MustCompile(`^resource "kafka_acl" "([a-z_][a-z0-9_]*)" \{$`)
	attribute   = regexp.MustCompile(`^  ([a-z_]+) += (.+)$`)
)

// ofTerraform reads flat kafka_acl resources as Terraform and its provider do: every
// resource has a name of its own, and the pattern is Literal unless told otherwise.
func ofTerraform(t *testing.T, text string) []entry {
	t.Helper()
	var out []entry
	labels := map[string]bool{}
	var block map[string]string // nil outside of one
	for _, line := range strings.Split(text, "\n") {
		begins, sets := blockBegins.FindStringSubmatch(line), attribute.FindStringSubmatch(line)
		switch {
		case line == "" || strings.HasPrefix(line, "#") && block == nil:
		case begins != nil && block == nil:
			require.False(t, labels[begins[1]], "two resources are named %s", begins[1])
			labels[begins[1]], block = true, map[string]string{}
		case sets != nil && block != nil:
			require.NotContains(t, block, sets[1])
			block[sets[1]] = valueOf(t, sets[1], sets[2])
		case line == "}" && block != nil:
			out, block = append(out, ofBlock(t, block)), nil
		default:
			t.Fatalf("%q is not expected here", line)
		}
	}
	require.Nil(t, block, "a resource does not end")
	return out
}

// ofBlock takes the provider's names, which it compares to the letter.
func ofBlock(t *testing.T, b map[string]string) entry {
	t.Helper()
	e := entry{cluster: "first", host: b["acl_host"], principal: b["acl_principal"], name: b["resource_name"], pattern: kmsg.ACLResourcePatternTypeLiteral}
	if provider, ok := b["provider"]; ok {
		require.Equal(t, "kafka.elsewhere", provider)
		e.cluster = "elsewhere"
	}
	if pattern, ok := b["resource_pattern_type_filter"]; ok {
		require.Equal(t, "Prefixed", pattern)
		e.pattern = kmsg.ACLResourcePatternTypePrefixed
	}
	e.permission = map[string]kmsg.ACLPermissionType{"Allow": kmsg.ACLPermissionTypeAllow}[b["acl_permission_type"]]
	e.resource = map[string]kmsg.ACLResourceType{
		"Topic": kmsg.ACLResourceTypeTopic, "Group": kmsg.ACLResourceTypeGroup, "TransactionalID": kmsg.ACLResourceTypeTransactionalId,
	}[b["resource_type"]]
	e.operation = map[string]kmsg.ACLOperation{
		"Read": kmsg.ACLOperationRead, "Write": kmsg.ACLOperationWrite, "Create": kmsg.ACLOperationCreate, "DescribeConfigs": kmsg.ACLOperationDescribeConfigs,
	}[b["acl_operation"]]
	for _, key := range []string{"provider", "resource_pattern_type_filter", "acl_host", "acl_principal", "resource_name", "acl_permission_type", "resource_type", "acl_operation"} {
		delete(b, key)
	}
	require.Empty(t, b, "the provider has no such arguments")
	return e
}

// valueOf reads a quoted string of HCL, or a reference to a provider.
func valueOf(t *testing.T, key, text string) string {
	t.Helper()
	if key == "provider" {
		return text
	}
	inner, begins := strings.CutPrefix(text, `"`)
	inner, ends := strings.CutSuffix(inner, `"`)
	require.True(t, begins && ends, "%s is not a string", text)
	var b strings.Builder
	for inner != "" {
		switch {
		case strings.HasPrefix(inner, "$${"), strings.HasPrefix(inner, "%%{"):
			b.WriteString(inner[1:3])
			inner = inner[3:]
		case strings.HasPrefix(inner, `\u`):
			n, err := strconv.ParseUint(inner[2:6], 16, 32)
			require.NoError(t, err, text)
			b.WriteRune(rune(n))
			inner = inner[6:]
		case inner[0] == '\\':
			i := strings.IndexByte(`nrt"\`, inner[1])
			require.GreaterOrEqual(t, i, 0, "HCL has no escape %s", inner[:2])
			b.WriteByte("\n\r\t\"\\"[i])
			inner = inner[2:]
		default:
			require.NotContains(t, []string{"${", "%{"}, inner[:min(2, len(inner))], "HCL takes it for a template: %s", text)
			require.NotEqual(t, byte('"'), inner[0], "the string ends early: %s", text)
			require.GreaterOrEqual(t, inner[0], byte(' '), "a control character: %q", text)
			b.WriteByte(inner[0])
			inner = inner[1:]
		}
	}
	return b.String()
}

func resourceOf(t *testing.T, word string) kmsg.ACLResourceType {
	t.Helper()
	r, err := kmsg.ParseACLResourceType(word)
	require.NoError(t, err)
	return r
}

func operationOf(t *testing.T, word string) kmsg.ACLOperation {
	t.Helper()
	o, err := kmsg.ParseACLOperation(word)
	require.NoError(t, err)
	return o
}
