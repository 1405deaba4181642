package doctor

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"gantry/cloud"
	"gantry/function"
	"gantry/integration"
	"gantry/kafka"
	"gantry/mapping"
	"gantry/network"
	"gantry/schema"
	"gantry/secret"
	"gantry/sink"
)

// IAM is the least gantry's own AWS identity needs for one mapping.
type IAM struct {
	Policy    Policy   `json:"policy"`
	Terraform string   `json:"terraform"` // for the aws_iam_policy resource
	Notes     []string `json:"notes,omitempty"`
}

// Policy is a policy document as IAM takes it.
type Policy struct {
	Version   string      `json:"Version"`
	Statement []Statement `json:"Statement"`
}

// Statement allows actions on resources.
type Statement struct {
	Sid      string   `json:"Sid"`
	Effect   string   `json:"Effect"`
	Action   []string `json:"Action"`
	Resource []string `json:"Resource"`
}

// Needing is a mapping with what it uses.
type Needing struct {
	Mapping   mapping.Mapping
	Functions []function.Function
	Cluster   kafka.Config // its entry of clusters:; the zero Config if none
	Sections
}

// Sections are those of the configuration file that tell what is in AWS.
type Sections struct {
	Clusters   map[string]kafka.Config
	Registries map[string]schema.Config // by the name of the cluster
	Networks   map[string]network.Config
	Roles      cloud.Roles
	Secrets    secret.Config
	Region     string // aws.region; "" = not known
}

// PolicyFor writes the least a mapping needs: to invoke its functions where they are in AWS,
// to read its secrets where they are in Secrets Manager, to do what its ready-made functions
// do in AWS, to write dead letters where they go there, to take on the roles it works under,
// and to use its cluster where the login is MSK's IAM.
func PolicyFor(n Needing) IAM {
	n.Cluster = n.entry()
	m, cluster := n.Mapping, n.Cluster
	out := IAM{Policy: Policy{Version: "2012-10-17", Statement: []Statement{}}}
	var invoked []string
	for _, fn := range n.Functions {
		if fn.Kind == function.Lambda {
			invoked = append(invoked, fn.ARN)
		}
	}
	switch len(invoked) {
	case 0:
	case 1:
		out.allow("InvokeTheFunction", []string{"lambda:InvokeFunction"}, invoked...)
	default:
		out.allow("InvokeTheFunctions", []string{"lambda:InvokeFunction"}, invoked...)
	}
	out.secrets(n)
	out.integrations(n)
	out.destination(m)
	out.identities(n)
	if cluster.SASL != nil && cluster.SASL.Mechanism == kafka.MSKIAM && !roleOf(cluster) {
		out.msk(m, cluster.ARN)
	}
	if len(out.Policy.Statement) == 0 {
		out.Notes = append(out.Notes, "this mapping needs nothing of AWS")
	}
	document, err := json.MarshalIndent(out.Policy, "  ", "  ")
	if err == nil && len(out.Policy.Statement) > 0 {
		name := label(nameOf(m))
		out.Terraform = fmt.Sprintf("resource \"aws_iam_policy\" %q {\n  name   = %q\n  policy = <<-JSON\n  %s\n  JSON\n}\n", name, "gantry-"+name, literal(string(document)))
	}
	return out
}

// allow adds a statement, or its resources to the one of its name: IAM takes no name twice.
func (i *IAM) allow(sid string, actions []string, resources ...string) {
	for at, s := range i.Policy.Statement {
		if s.Sid == sid && slices.Equal(s.Action, actions) {
			i.Policy.Statement[at].Resource = append(s.Resource, resources...)
			return
		}
	}
	i.Policy.Statement = append(i.Policy.Statement, Statement{Sid: sid, Effect: "Allow", Action: actions, Resource: resources})
}

// integrations are what ready-made functions call in AWS, with the credentials of their role
// or gantry's own where they have none.
func (i *IAM) integrations(n Needing) {
	calls := 0
	for _, fn := range n.Functions {
		if fn.Kind != function.InProcess {
			continue
		}
		spec, err := integration.Find(fn.Integration)
		if err != nil {
			continue
		}
		statements := spec.Statements(fn.Settings)
		if fn.Role != "" {
			if len(statements) > 0 {
				i.Notes = append(i.Notes, "what function "+fn.Name+" calls is granted to "+fn.Role+": gantry integrations show "+spec.Name)
			}
			continue
		}
		for _, s := range statements {
			calls++
			i.allow(fmt.Sprintf("Run%sCall%d", sidOf(fn.Name), calls), s.Action, s.Resource...)
		}
		if note := sink.Unbounded(statements); note != "" {
			i.Notes = append(i.Notes, "function "+fn.Name+": "+note)
		}
	}
}

// sidOf is a name as the Sid of a statement may hold it: letters and digits.
func sidOf(name string) string {
	var out strings.Builder
	for _, word := range strings.FieldsFunc(name, func(r rune) bool { return r == '-' || r == '_' }) {
		out.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return out.String()
}

// destination is what dead letters take that go to AWS. To list and redrive them takes
// more, and is not needed to run.
func (i *IAM) destination(m mapping.Mapping) {
	to, err := mapping.ParseDestination(m.OnFailure)
	if err != nil {
		return
	}
	const key = "; under a key of your own %s needs kms:GenerateDataKey on it%s"
	switch to.Kind {
	case mapping.ToQueue:
		i.allow("WriteDeadLetters", []string{"sqs:SendMessage"}, to.ARN)
		i.Notes = append(i.Notes, "gantry deadletters takes sqs:GetQueueAttributes, sqs:ReceiveMessage, sqs:ChangeMessageVisibility and sqs:DeleteMessage on "+
			to.ARN+fmt.Sprintf(key, "the queue", " and kms:Decrypt"))
	case mapping.ToSNS:
		i.allow("WriteDeadLetters", []string{"sns:Publish"}, to.ARN)
		i.Notes = append(i.Notes, "gantry doctor takes sns:GetTopicAttributes on "+to.ARN+fmt.Sprintf(key, "the topic", " and kms:Decrypt"))
	case mapping.ToBucket:
		i.allow("WriteDeadLetters", []string{"s3:PutObject"}, to.ARN+"/aws/lambda/"+m.UUID+"/*")
		i.Notes = append(i.Notes, "gantry deadletters takes s3:ListBucket on "+to.ARN+", s3:GetObject and s3:PutObjectTagging on its objects"+
			fmt.Sprintf(key, "the bucket", ""))
	}
}

// identities are what a mapping takes of STS: the roles of its functions, and logins.
func (i *IAM) identities(n Needing) {
	var assumed []string
	for _, fn := range n.Functions {
		if role, ok := n.Roles[fn.Role]; ok && role.Assume && takesRole(fn) && !slices.Contains(assumed, fn.Role) {
			assumed = append(assumed, fn.Role)
			i.Notes = append(i.Notes, "the trust policy of "+fn.Role+" has to name gantry's identity")
		}
	}
	if len(assumed) > 0 {
		i.allow("AssumeTheFunctionsRole", []string{"sts:AssumeRole"}, assumed...)
	}
	i.logins(n)
}

// takesRole says whether a function gets the credentials of its role from gantry.
func takesRole(fn function.Function) bool {
	return fn.Kind == function.Process || fn.Kind == function.InProcess
}

// roleOf says whether brokers are logged in to with an assumed role.
func roleOf(c kafka.Config) bool { return c.SASL != nil && c.SASL.IAM != nil && c.SASL.IAM.Role != "" }

// msk are the permissions of MSK's IAM (Amazon MSK Developer Guide, iam-access-control),
// which stand in place of ACLs.
func (i *IAM) msk(m mapping.Mapping, arn string) {
	if arn == "" {
		arn = "arn:aws:kafka:REGION:ACCOUNT:cluster/NAME/UUID"
		i.Notes = append(i.Notes, "put the cluster's ARN in: its entry in clusters: has no arn")
	}
	of := func(kind, name string) string { return strings.Replace(arn, ":cluster/", ":"+kind+"/", 1) + "/" + name }
	i.allow("ConnectToTheCluster", []string{"kafka-cluster:Connect"}, arn)
	for _, topic := range m.Source.Topics {
		i.allow("ReadTheTopic", []string{"kafka-cluster:DescribeTopic", "kafka-cluster:ReadData"}, of("topic", topic))
	}
	i.allow("BeAMemberOfTheGroup", []string{"kafka-cluster:DescribeGroup", "kafka-cluster:AlterGroup"}, of("group", m.GroupID))
	if topic, ok := strings.CutPrefix(m.OnFailure, "kafka://"); ok {
		i.allow("WriteDeadLetters", []string{"kafka-cluster:DescribeTopic", "kafka-cluster:WriteData"}, of("topic", topic))
		i.allow("WriteEachDeadLetterOnce", []string{"kafka-cluster:WriteDataIdempotently"}, arn)
	}
	i.output(m, arn, of)
}

// output is what answers that are records take, where they go to the source's cluster.
func (i *IAM) output(m mapping.Mapping, arn string, of func(kind, name string) string) {
	o := m.Output
	switch {
	case o == nil:
		return
	case o.Cluster != "" && o.Cluster != m.Source.Cluster:
		i.Notes = append(i.Notes, "answers go to cluster "+o.Cluster+": where its login is MSK's IAM too, allow DescribeTopic and WriteData on their topics there")
		return
	}
	for _, topic := range append([]string{o.Topic}, o.Topics...) {
		if topic != "" {
			i.allow("WriteAnswers", []string{"kafka-cluster:DescribeTopic", "kafka-cluster:WriteData"}, of("topic", topic))
		}
	}
	i.allow("WriteEachAnswerOnce", []string{"kafka-cluster:WriteDataIdempotently"}, arn)
	if o.Transactional {
		i.allow("WriteInTransactions", []string{"kafka-cluster:DescribeTransactionalId", "kafka-cluster:AlterTransactionalId"},
			of("transactional-id", m.TransactionPrefix()+"*"))
	}
}
