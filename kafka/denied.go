package kafka

import (
	"errors"
	"fmt"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
)

// Denied is a refusal by the cluster's ACLs, with the operation that lacks permission.
type Denied struct {
	Operation string // as kafka-acls names it: Read, Describe, Write, …
	Resource  string // topic, group, cluster, transactional-id
	Name      string // "" for the cluster, or where it is not known
	Prefixed  bool   // Name is how the names begin
	Err       error
}

func (d *Denied) Error() string {
	return fmt.Sprintf("%s on %s is not allowed: %v", d.Operation, strings.TrimSpace(d.Resource+" "+d.Name), d.Err)
}

func (d *Denied) Unwrap() error { return d.Err }

// Deny gives an error the operation and resource it was about, if it is a refusal by
// ACLs of that kind of resource; any other error comes back as it is.
func Deny(err error, operation, resource, name string) error {
	var known *Denied
	if err == nil || errors.As(err, &known) {
		return err
	}
	if refused := refusal(err); refused == nil || refused.Resource != resource {
		return err
	}
	return &Denied{Operation: operation, Resource: resource, Name: name, Err: err}
}

// refusal reads a refusal from the error code alone: the resource is known, the
// operation is what reading a topic as a group takes.
func refusal(err error) *Denied {
	for _, d := range []*Denied{
		{Operation: "Describe and Read", Resource: "topic", Err: kerr.TopicAuthorizationFailed},
		{Operation: "Describe and Read", Resource: "group", Err: kerr.GroupAuthorizationFailed},
		{Operation: "DescribeConfigs or IdempotentWrite", Resource: "cluster", Err: kerr.ClusterAuthorizationFailed},
		{Operation: "Describe and Write", Resource: "transactional-id", Err: kerr.TransactionalIDAuthorizationFailed},
	} {
		if errors.Is(err, d.Err) {
			return d
		}
	}
	return nil
}

// command is what an administrator types to allow it.
func (d *Denied) command() string {
	var operations strings.Builder
	for op := range strings.FieldsSeq(strings.NewReplacer(" and ", " ", " or ", " ").Replace(d.Operation)) {
		operations.WriteString(" --operation " + op)
	}
	resource := " --" + d.Resource
	switch {
	case d.Resource == "cluster":
	case d.Name == "":
		resource += " NAME"
	default:
		resource += " " + d.Name
	}
	if d.Prefixed {
		resource += " --resource-pattern-type prefixed"
	}
	return "kafka-acls --bootstrap-server BROKER --add --allow-principal User:NAME" + operations.String() + resource
}
