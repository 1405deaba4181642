package doctor

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"gantry/kafka"
)

// ACLs are the least a principal needs on a cluster for one mapping.
type ACLs struct {
	Principal string    `json:"principal"`
	Needs     []ACLNeed `json:"needs"`
	Commands  []string  `json:"commands"`  // for kafka-acls
	Terraform string    `json:"terraform"` // for the kafka_acl resource of the Kafka providers
}

// ACLNeed is one permission.
type ACLNeed struct {
	Resource  string `json:"resource"`
	Name      string `json:"name"`
	Prefixed  bool   `json:"prefixed,omitempty"` // the name is how the names begin
	Operation string `json:"operation"`
	For       string `json:"for"`
	Optional  bool   `json:"optional"`
}

// AccessLists writes needs as what administrators type. server is what kafka-acls connects
// to. Optional ones are left out of commands and Terraform unless they are wanted.
func AccessLists(needs []kafka.Need, principal, server string, optional bool) ACLs {
	out := ACLs{Principal: principal, Needs: []ACLNeed{}, Commands: []string{}}
	for _, n := range needs {
		out.Needs = append(out.Needs, ACLNeed(n))
	}
	var terraform []string
	labels := map[string]bool{}
	for _, n := range printed(needs, optional) {
		command := fmt.Sprintf("kafka-acls --bootstrap-server %s --add --allow-principal %s --operation %s --%s %s",
			server, quoted(principal), n.Operation, n.Resource, quoted(n.Name))
		if n.Prefixed {
			command += " --resource-pattern-type prefixed"
		}
		out.Commands = append(out.Commands, command)
		terraform = append(terraform, terraformOf(n, principal, labels))
	}
	out.Terraform = strings.Join(terraform, "\n")
	return out
}

// printed are the needs that are written down, each permission once: letters and answers
// may go to one topic, and Terraform refuses a resource that is there twice.
func printed(needs []kafka.Need, optional bool) []kafka.Need {
	var out []kafka.Need
	for _, n := range needs {
		if n.Optional && !optional {
			continue
		}
		same := slices.IndexFunc(out, func(o kafka.Need) bool {
			return o.Resource == n.Resource && o.Name == n.Name && o.Prefixed == n.Prefixed && o.Operation == n.Operation
		})
		switch {
		case same < 0:
			out = append(out, n)
		case out[same].For != n.For:
			out[same].For += "; " + n.For
		}
	}
	return out
}

// terraformOf is one permission as a resource. labels are those that are taken: topics
// whose names differ in a dot or in case would share one.
func terraformOf(n kafka.Need, principal string, labels map[string]bool) string {
	first := label(n.Resource + "-" + n.Name + "-" + n.Operation)
	name := first
	for i := 2; labels[name]; i++ {
		name = fmt.Sprintf("%s_%d", first, i)
	}
	labels[name] = true
	pattern := ""
	if n.Prefixed {
		pattern = "\n\n  resource_pattern_type_filter = \"Prefixed\""
	}
	return fmt.Sprintf(`# %s
resource "kafka_acl" %q {
  resource_type       = %q
  resource_name       = %s
  acl_principal       = %s
  acl_host            = "*"
  acl_operation       = %q
  acl_permission_type = "Allow"%s
}
`, n.For, name, resourceType(n.Resource), hcl(n.Name), hcl(principal), n.Operation, pattern)
}

// And gives both lists: of two clusters, each line names its own. The resources of other
// take a provider of their own, so that none is made on the wrong cluster.
func (a ACLs) And(other ACLs) ACLs {
	a.Needs, a.Commands = append(a.Needs, other.Needs...), append(a.Commands, other.Commands...)
	if other.Terraform != "" {
		resources := resourceHead.ReplaceAllString(other.Terraform, "${1}elsewhere_${2}\n  provider = kafka.elsewhere\n")
		a.Terraform += "\n# on another cluster, as " + other.Principal + ": give it a provider \"kafka\" with alias = \"elsewhere\"\n" + resources
	}
	return a
}

// resourceType is a resource as Kafka's providers for Terraform name it.
func resourceType(resource string) string {
	if resource == "transactional-id" {
		return "TransactionalID"
	}
	return strings.ToUpper(resource[:1]) + resource[1:]
}

var (
	plainWord = regexp.MustCompile(`^[A-Za-z0-9_./:=@,+-]+$`)
	notLabel  = regexp.MustCompile(`[^a-z0-9]+`)

	resourceHead = regexp.MustCompile(`(?m)^(resource "kafka_acl" ")([a-z0-9_]+" \{)$`)
)

// quoted is a word as a shell takes it.
func quoted(word string) string {
	if plainWord.MatchString(word) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// literal keeps Terraform from reading a text as a template.
func literal(text string) string { return strings.NewReplacer("${", "$${", "%{", "%%{").Replace(text) }

// hcl is a string as Terraform reads it.
func hcl(text string) string {
	var b strings.Builder
	for _, r := range literal(text) {
		switch {
		case r == '"' || r == '\\':
			b.WriteString("\\" + string(r))
		case unicode.IsControl(r):
			fmt.Fprintf(&b, "\\u%04x", r)
		default:
			b.WriteRune(r)
		}
	}
	return `"` + b.String() + `"`
}

func label(name string) string {
	return strings.Trim(notLabel.ReplaceAllString(strings.ToLower(name), "_"), "_")
}
