package doctor

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"gantry/cloud"
	"gantry/function"
	"gantry/kafka"
	"gantry/mapping"
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
	Roles     cloud.Roles
}

// PolicyFor writes the least a mapping needs: to invoke its functions where they are in AWS,
// to read its secrets where they are in Secrets Manager, to write dead letters where they
// go to AWS, and to use its cluster where the login is MSK's IAM, and to take on the roles it works under.
func PolicyFor(n Needing) IAM {
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
	if secrets := secretsOf(m, n.Functions, cluster); len(secrets) > 0 {
		out.allow("ReadTheSecrets", []string{"secretsmanager:GetSecretValue"}, secrets...)
		out.Notes = append(out.Notes, "a secret under a key of your own needs kms:Decrypt on that key as well")
	}
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

func (i *IAM) allow(sid string, actions []string, resources ...string) {
	i.Policy.Statement = append(i.Policy.Statement, Statement{Sid: sid, Effect: "Allow", Action: actions, Resource: resources})
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

// identities are the roles that are assumed for a mapping, and the token that AWS makes of
// gantry's own.
func (i *IAM) identities(n Needing) {
	var assumed []string
	for _, fn := range n.Functions {
		if role, ok := n.Roles[fn.Role]; ok && role.Assume && fn.Kind == function.Process && !slices.Contains(assumed, fn.Role) {
			assumed = append(assumed, fn.Role)
			i.Notes = append(i.Notes, "the trust policy of "+fn.Role+" has to name gantry's identity")
		}
	}
	if len(assumed) > 0 {
		i.allow("AssumeTheFunctionsRole", []string{"sts:AssumeRole"}, assumed...)
	}
	s := n.Cluster.SASL
	if s != nil && roleOf(n.Cluster) {
		i.allow("AssumeTheClustersRole", []string{"sts:AssumeRole"}, s.IAM.Role)
		i.Notes = append(i.Notes, "what the cluster asks is granted to "+s.IAM.Role+", whose trust policy has to name gantry's identity")
	}
	if s != nil && s.OAuth != nil && s.OAuth.WebIdentity {
		i.allow("GetATokenOfItsOwn", []string{"sts:GetWebIdentityToken"}, "*")
	}
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

// secretsOf are the secrets of AWS Secrets Manager a mapping reads, each once.
func secretsOf(m mapping.Mapping, functions []function.Function, c kafka.Config) []string {
	refs := []string{}
	for _, a := range m.Source.Access {
		refs = append(refs, a.URI)
	}
	for _, fn := range functions {
		for _, ref := range fn.Secrets {
			refs = append(refs, ref)
		}
	}
	if c.TLS != nil {
		refs = append(refs, c.TLS.CA, c.TLS.Cert, c.TLS.Key, c.TLS.KeyPassword)
	}
	if c.SASL != nil {
		refs = append(refs, c.SASL.Secret, c.SASL.Username, c.SASL.Password)
		if o := c.SASL.OAuth; o != nil {
			refs = append(refs, o.CA, o.ClientSecret, o.PrivateKey, o.PrivateKeyPassword, o.Assertion, o.Token)
		}
		if k := c.SASL.Kerberos; k != nil {
			refs = append(refs, k.Password)
		}
	}
	var out []string
	for _, ref := range refs {
		if strings.HasPrefix(ref, "arn:aws") && strings.Contains(ref, ":secretsmanager:") {
			out = append(out, secretResource(ref))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// secretResource is a secret as a policy names it: Secrets Manager adds a hyphen and six
// characters to the name it was given, and an ARN without them needs a place for them.
func secretResource(arn string) string {
	name := arn[strings.LastIndexByte(arn, ':')+1:]
	if at := strings.LastIndexByte(name, '-'); at >= 0 && len(name)-at == 7 {
		return arn
	}
	return arn + "-??????"
}
