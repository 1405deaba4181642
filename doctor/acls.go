package doctor

import (
	"fmt"
	"regexp"
	"strings"

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
	var terraform []string
	for _, n := range needs {
		out.Needs = append(out.Needs, ACLNeed(n))
		if n.Optional && !optional {
			continue
		}
		command := fmt.Sprintf("kafka-acls --bootstrap-server %s --add --allow-principal %s --operation %s --%s %s",
			server, quoted(principal), n.Operation, n.Resource, quoted(n.Name))
		pattern := ""
		if n.Prefixed {
			command += " --resource-pattern-type prefixed"
			pattern = "\n  resource_pattern_type_filter = \"Prefixed\""
		}
		out.Commands = append(out.Commands, command)
		terraform = append(terraform, fmt.Sprintf(`# %s
resource "kafka_acl" %q {
  resource_type       = %q
  resource_name       = %q
  acl_principal       = %q
  acl_host            = "*"
  acl_operation       = %q
  acl_permission_type = "Allow"%s
}
`, n.For, label(n.Resource+"-"+n.Name+"-"+n.Operation), resourceType(n.Resource), n.Name, principal, n.Operation, pattern))
	}
	out.Terraform = strings.Join(terraform, "\n")
	return out
}

// And gives both lists: of two clusters, each line names its own.
func (a ACLs) And(other ACLs) ACLs {
	a.Needs, a.Commands = append(a.Needs, other.Needs...), append(a.Commands, other.Commands...)
	if other.Terraform != "" {
		a.Terraform += "\n# on another cluster, as " + other.Principal + "\n" + other.Terraform
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
)

// quoted is a word as a shell takes it.
func quoted(word string) string {
	if plainWord.MatchString(word) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

func label(name string) string {
	return strings.Trim(notLabel.ReplaceAllString(strings.ToLower(name), "_"), "_")
}
