package doctor

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"gantry/cloud"
	"gantry/function"
	"gantry/kafka"
	"gantry/mapping"
)

func TestTheLeastACLsAsCommandsAndTerraform(t *testing.T) {
	t.Parallel()
	m := mapping.Mapping{GroupID: "gantry.o", Source: mapping.Source{Topics: []string{"o"}}, OnFailure: "kafka://dead"}
	l := AccessLists(kafka.Needs(m), "User:CN=a b,O=c", "k:9093", false)
	require.Equal(t, []string{
		"kafka-acls --bootstrap-server k:9093 --add --allow-principal 'User:CN=a b,O=c' --operation Read --topic o",
		"kafka-acls --bootstrap-server k:9093 --add --allow-principal 'User:CN=a b,O=c' --operation Read --group gantry.o",
		"kafka-acls --bootstrap-server k:9093 --add --allow-principal 'User:CN=a b,O=c' --operation Write --topic dead",
	}, l.Commands)
	require.Contains(t, l.Terraform, `resource "kafka_acl" "group_gantry_o_read" {
  resource_type       = "Group"
  resource_name       = "gantry.o"
  acl_principal       = "User:CN=a b,O=c"
  acl_host            = "*"
  acl_operation       = "Read"
  acl_permission_type = "Allow"
}`)
	require.Len(t, AccessLists(kafka.Needs(m), "User:x", "k:9093", true).Commands, 5)
}

// What answers take is among the least, on whichever cluster they go to; what a redrive
// takes is told apart.
func TestTheLeastACLsOfAnswersAndRedrives(t *testing.T) {
	t.Parallel()
	m := mapping.Mapping{
		UUID: "1111", GroupID: "g", Source: mapping.Source{Topics: []string{"o"}, Cluster: "main"}, OnFailure: "kafka://dead",
		Output: &mapping.Output{Topic: "out", Topics: []string{"more"}, Transactional: true},
	}
	const begin = "kafka-acls --bootstrap-server k:9093 --add --allow-principal User:x --operation "
	l := AccessLists(kafka.Needs(m), "User:x", "k:9093", false)
	require.Equal(t, []string{begin + "Write --topic out", begin + "Write --topic more", begin + "Write --transactional-id gantry.1111. --resource-pattern-type prefixed"}, l.Commands[3:])
	require.Contains(t, l.Terraform, `  resource_type       = "TransactionalID"
  resource_name       = "gantry.1111."`)
	require.Contains(t, l.Terraform, `resource_pattern_type_filter = "Prefixed"`)
	require.Equal(t, []string{
		begin + "Read --topic dead", begin + "Create --topic dead.redriven", begin + "Read --topic dead.redriven", begin + "Write --topic dead.redriven",
		begin + "Write --transactional-id gantry-redrive-dead.redriven", begin + "Write --topic o",
	}, AccessLists(kafka.RedriveNeeds(m), "User:x", "k:9093", true).Commands)
	require.Empty(t, kafka.NeedsElsewhere(m))

	m.Output.Cluster, m.Output.Transactional = "other", false
	there := AccessLists(kafka.NeedsElsewhere(m), "User:y", "other:9093", false)
	both := AccessLists(kafka.Needs(m), "User:x", "k:9093", false).And(there)
	require.Len(t, both.Commands, 5)
	require.Equal(t, "kafka-acls --bootstrap-server other:9093 --add --allow-principal User:y --operation Write --topic more", both.Commands[4])
	require.Contains(t, both.Terraform, "# on another cluster, as User:y")
}

func TestTheLeastPolicyOfAnswers(t *testing.T) {
	t.Parallel()
	const of = "arn:aws:kafka:eu-west-1:123456789012:"
	m := mapping.Mapping{UUID: "1111", GroupID: "g", Source: mapping.Source{Topics: []string{"o"}}, Output: &mapping.Output{Topic: "out", Transactional: true}}
	got := PolicyFor(Needing{Mapping: m, Cluster: kafka.Config{ARN: of + "cluster/main/abc-1", SASL: &kafka.SASLConfig{Mechanism: kafka.MSKIAM}}})
	require.Equal(t, []Statement{
		{"WriteAnswers", "Allow", []string{"kafka-cluster:DescribeTopic", "kafka-cluster:WriteData"}, []string{of + "topic/main/abc-1/out"}},
		{"WriteEachAnswerOnce", "Allow", []string{"kafka-cluster:WriteDataIdempotently"}, []string{of + "cluster/main/abc-1"}},
		{"WriteInTransactions", "Allow", []string{"kafka-cluster:DescribeTransactionalId", "kafka-cluster:AlterTransactionalId"}, []string{of + "transactional-id/main/abc-1/gantry.1111.*"}},
	}, got.Policy.Statement[3:])
}

func TestTheLeastPolicy(t *testing.T) {
	t.Parallel()
	const secret = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:"
	m := mapping.Mapping{
		Name: "o", GroupID: "g", OnFailure: "kafka://dead",
		Source: mapping.Source{Topics: []string{"orders"}, Access: []mapping.Access{{Type: mapping.ServerRootCA, URI: secret + "ca"}}},
	}
	fn := function.Function{Kind: function.Lambda, ARN: "arn:aws:lambda:eu-west-1:123456789012:function:f:live", Secrets: map[string]string{"X": secret + "db-AbCdEf"}}
	cluster := kafka.Config{ARN: "arn:aws:kafka:eu-west-1:123456789012:cluster/main/abc-1", SASL: &kafka.SASLConfig{Mechanism: kafka.MSKIAM}}
	got := PolicyFor(Needing{Mapping: m, Functions: []function.Function{fn}, Cluster: cluster})
	text, err := json.Marshal(got.Policy)
	require.NoError(t, err)
	require.JSONEq(t, `{"Version":"2012-10-17","Statement":[
		{"Sid":"InvokeTheFunction","Effect":"Allow","Action":["lambda:InvokeFunction"],"Resource":["arn:aws:lambda:eu-west-1:123456789012:function:f:live"]},
		{"Sid":"ReadTheSecrets","Effect":"Allow","Action":["secretsmanager:GetSecretValue"],"Resource":["`+secret+`ca-??????","`+secret+`db-AbCdEf"]},
		{"Sid":"ConnectToTheCluster","Effect":"Allow","Action":["kafka-cluster:Connect"],"Resource":["arn:aws:kafka:eu-west-1:123456789012:cluster/main/abc-1"]},
		{"Sid":"ReadTheTopic","Effect":"Allow","Action":["kafka-cluster:DescribeTopic","kafka-cluster:ReadData"],"Resource":["arn:aws:kafka:eu-west-1:123456789012:topic/main/abc-1/orders"]},
		{"Sid":"BeAMemberOfTheGroup","Effect":"Allow","Action":["kafka-cluster:DescribeGroup","kafka-cluster:AlterGroup"],"Resource":["arn:aws:kafka:eu-west-1:123456789012:group/main/abc-1/g"]},
		{"Sid":"WriteDeadLetters","Effect":"Allow","Action":["kafka-cluster:DescribeTopic","kafka-cluster:WriteData"],"Resource":["arn:aws:kafka:eu-west-1:123456789012:topic/main/abc-1/dead"]},
		{"Sid":"WriteEachDeadLetterOnce","Effect":"Allow","Action":["kafka-cluster:WriteDataIdempotently"],"Resource":["arn:aws:kafka:eu-west-1:123456789012:cluster/main/abc-1"]}]}`, string(text))
	require.Contains(t, got.Terraform, `resource "aws_iam_policy" "o"`)
	require.Contains(t, PolicyFor(Needing{Mapping: m, Functions: []function.Function{{Kind: function.HTTP}}}).Notes[0], "kms:Decrypt")
	m.Source.Access = nil
	require.Equal(t, []string{"this mapping needs nothing of AWS"}, PolicyFor(Needing{Mapping: m}).Notes)
}

// TestThePolicyOfIdentities: secrets of tokens and tickets, roles of functions and clusters.
func TestThePolicyOfIdentities(t *testing.T) {
	t.Parallel()
	const secret, role = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:", "arn:aws:iam::123456789012:role/"
	m := mapping.Mapping{Name: "o", GroupID: "g", Source: mapping.Source{Topics: []string{"orders"}}}
	fn := function.Function{Kind: function.Process, Role: role + "orders"}
	roles := cloud.Roles{role + "orders": {Assume: true}, role + "none": {None: true}}
	statements := func(n Needing) map[string][]string {
		n.Mapping, n.Roles = m, roles
		out := map[string][]string{}
		for _, s := range PolicyFor(n).Policy.Statement {
			out[s.Sid+" "+s.Action[0]] = s.Resource
		}
		return out
	}
	oauth := kafka.Config{SASL: &kafka.SASLConfig{Mechanism: kafka.OAuthBearer, OAuth: &kafka.OAuthConfig{
		ClientSecret: secret + "client-AbCdEf", CA: "file:ca.pem", PrivateKeyPassword: secret + "key-AbCdEf"}}}
	require.Equal(t, map[string][]string{
		"AssumeTheFunctionsRole sts:AssumeRole":        {role + "orders"},
		"ReadTheSecrets secretsmanager:GetSecretValue": {secret + "client-AbCdEf", secret + "key-AbCdEf"},
	}, statements(Needing{Functions: []function.Function{fn}, Cluster: oauth}))
	kerberos := kafka.Config{SASL: &kafka.SASLConfig{Mechanism: kafka.GSSAPI, Kerberos: &kafka.KerberosConfig{Password: secret + "ticket-AbCdEf"}}}
	fn.Role = role + "none"
	require.Equal(t, map[string][]string{"ReadTheSecrets secretsmanager:GetSecretValue": {secret + "ticket-AbCdEf"}}, statements(Needing{Functions: []function.Function{fn}, Cluster: kerberos}))
	own := kafka.Config{SASL: &kafka.SASLConfig{Mechanism: kafka.OAuthBearer, OAuth: &kafka.OAuthConfig{WebIdentity: true}}}
	require.Equal(t, map[string][]string{"GetATokenOfItsOwn sts:GetWebIdentityToken": {"*"}}, statements(Needing{Cluster: own}))
	iam := kafka.Config{SASL: &kafka.SASLConfig{Mechanism: kafka.MSKIAM, IAM: &kafka.IAMConfig{Role: role + "reader"}}}
	require.Equal(t, map[string][]string{"AssumeTheClustersRole sts:AssumeRole": {role + "reader"}}, statements(Needing{Cluster: iam}),
		"what the cluster asks is the role's")
}
