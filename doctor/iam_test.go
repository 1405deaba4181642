package doctor

import (
	"testing"

	"github.com/stretchr/testify/require"

	"gantry/cloud"
	"gantry/function"
	"gantry/kafka"
	"gantry/mapping"
	"gantry/network"
	"gantry/schema"
	"gantry/secret"
)

const plant = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:plant/"

func policyOf(n Needing) (resources map[string][]string, notes []string) {
	resources = map[string][]string{}
	got := PolicyFor(n)
	for _, s := range got.Policy.Statement {
		resources[s.Sid] = append(resources[s.Sid], s.Resource...)
	}
	return resources, got.Notes
}

// Which secrets are in AWS, secrets: says: by prefix, the first rule that takes them. A
// field is no part of the name.
func TestSecretsOfThePolicyAreThoseTheRulesSendToAWS(t *testing.T) {
	t.Parallel()
	fn := function.Function{Kind: function.Process, Secrets: map[string]string{
		"A": plant + "db-AbCdEf#password", "B": plant + "db-AbCdEf#user", "C": plant + "short#password", "D": "vault:plant/login#user",
		"E": "local:plant/login", "F": "env:LOGIN", "G": "arn:aws:secretsmanager:eu-west-1:210987654321:secret:theirs-AbCdEf",
	}}
	n := Needing{Functions: []function.Function{fn}, Sections: Sections{Region: "eu-west-1", Secrets: secret.Config{
		{Prefix: "arn:aws:secretsmanager:eu-west-1:210987654321:", From: secret.From{Dir: "theirs"}},
		{Prefix: "arn:aws:secretsmanager:", From: secret.From{AWS: true}},
		{Prefix: "vault:", From: secret.From{AWS: true}}, {Prefix: "local:", From: secret.From{Dir: "."}},
	}}}
	got, notes := policyOf(n)
	require.Equal(t, map[string][]string{"ReadTheSecrets": {
		"arn:aws:secretsmanager:eu-west-1:*:secret:plant/login-??????", plant + "db-AbCdEf", plant + "short-??????"}}, got)
	require.Contains(t, notes[1], "put its number in the place of *")
	n.Secrets = nil
	got, notes = policyOf(n)
	require.Equal(t, map[string][]string{"ReadTheSecrets": {plant + "db-AbCdEf", plant + "short-??????",
		"arn:aws:secretsmanager:eu-west-1:210987654321:secret:theirs-AbCdEf"}}, got, "without a rule ARNs are told by their form")
	require.Len(t, notes, 1)
}

// Beside its functions and its cluster a mapping needs the secrets of its networks, of the
// cluster and the registry its answers go to, and of its ready-made functions.
func TestSecretsOfEverythingThatAMappingUses(t *testing.T) {
	t.Parallel()
	n := Needing{
		Mapping: mapping.Mapping{
			Source: mapping.Source{Networks: []string{"plant"}},
			Output: &mapping.Output{Topic: "out", Cluster: "other", Schema: &mapping.OutputSchema{}},
		},
		Cluster:   kafka.Config{Network: []string{"unused"}},
		Functions: []function.Function{{Kind: function.InProcess, Integration: "http", Settings: map[string]string{"url": "https://example", "header.Authorization": plant + "bearer-AbCdEf"}, Networks: []string{"dmz"}}},
		Sections: Sections{
			Clusters:   map[string]kafka.Config{"other": {SASL: &kafka.SASLConfig{Secret: plant + "other-AbCdEf"}}},
			Registries: map[string]schema.Config{"other": {Token: plant + "registry-AbCdEf"}},
			Networks: map[string]network.Config{
				"plant": {ProxyLogin: plant + "proxy-AbCdEf"}, "dmz": {Jump: &network.Jump{Key: plant + "jump-AbCdEf"}}, "unused": {ProxyCA: plant + "unused-AbCdEf"},
			},
		},
	}
	got, _ := policyOf(n)
	require.Equal(t, []string{plant + "bearer-AbCdEf", plant + "jump-AbCdEf", plant + "other-AbCdEf", plant + "proxy-AbCdEf", plant + "registry-AbCdEf"}, got["ReadTheSecrets"])
	n.Mapping.Output = nil
	got, _ = policyOf(n)
	require.Equal(t, []string{plant + "bearer-AbCdEf", plant + "jump-AbCdEf", plant + "proxy-AbCdEf"}, got["ReadTheSecrets"])
}

// Other clusters that functions write to are logged in to as well, each role and token once.
func TestThePolicyOfOtherClusters(t *testing.T) {
	t.Parallel()
	const role = "arn:aws:iam::123456789012:role/"
	lent := func(name string) kafka.Config {
		return kafka.Config{SASL: &kafka.SASLConfig{Mechanism: kafka.MSKIAM, IAM: &kafka.IAMConfig{Role: role + name}}}
	}
	token := kafka.Config{SASL: &kafka.SASLConfig{OAuth: &kafka.OAuthConfig{WebIdentity: true}}}
	n := Needing{
		Mapping: mapping.Mapping{Source: mapping.Source{Cluster: "own"}, Output: &mapping.Output{Topic: "out", Cluster: "answers"}}, Cluster: token,
		Functions: []function.Function{
			{Kind: function.Process, Produce: &function.Produce{Cluster: "middle"}}, {Kind: function.Process, Produce: &function.Produce{Cluster: "own"}},
			{Kind: function.InProcess, Integration: "kafka", Settings: map[string]string{"cluster": "copy", "topic": "t"}},
		},
		Sections: Sections{Clusters: map[string]kafka.Config{"own": lent("own"), "answers": lent("shared"), "middle": lent("shared"), "copy": lent("copy"), "token": token}},
	}
	got, _ := policyOf(n)
	require.Equal(t, map[string][]string{"AssumeTheClustersRole": {role + "shared", role + "copy"}, "GetATokenOfItsOwn": {"*"}}, got)
}

// The login of the source itself wins over its cluster's: also where it is AWS that signs.
func TestThePolicyOfTheSourcesOwnLogin(t *testing.T) {
	t.Parallel()
	const arn = "arn:aws:kafka:eu-west-1:123456789012:cluster/main/abc-1"
	cluster := kafka.Config{TLS: &kafka.TLSConfig{CA: plant + "ca-AbCdEf", Key: plant + "key-AbCdEf"}, SASL: &kafka.SASLConfig{Secret: plant + "login-AbCdEf"}}
	with := func(access ...mapping.Access) Needing {
		return Needing{Mapping: mapping.Mapping{GroupID: "g", Source: mapping.Source{Topics: []string{"o"}, ARN: arn, Access: access}}, Cluster: cluster}
	}
	got, _ := policyOf(with(mapping.Access{Type: mapping.IAM}))
	require.Equal(t, map[string][]string{
		"ReadTheSecrets": {plant + "ca-AbCdEf"}, "ConnectToTheCluster": {arn},
		"ReadTheTopic": {"arn:aws:kafka:eu-west-1:123456789012:topic/main/abc-1/o"}, "BeAMemberOfTheGroup": {"arn:aws:kafka:eu-west-1:123456789012:group/main/abc-1/g"},
	}, got)
	got, _ = policyOf(with(mapping.Access{Type: mapping.IAMOAuth}, mapping.Access{Type: mapping.ServerRootCA, URI: plant + "roots-AbCdEf"}))
	require.Equal(t, map[string][]string{"ReadTheSecrets": {plant + "roots-AbCdEf"}, "GetATokenOfItsOwn": {"*"}}, got)
	got, _ = policyOf(with(mapping.Access{Type: mapping.ScramSHA512, URI: plant + "scram-AbCdEf"}))
	require.Equal(t, map[string][]string{"ReadTheSecrets": {plant + "ca-AbCdEf", plant + "scram-AbCdEf"}}, got)
	require.Equal(t, plant+"key-AbCdEf", cluster.TLS.Key)
}

// What a ready-made function does in AWS is done with its role, or as gantry. IAM takes no
// Sid twice.
func TestThePolicyOfReadyMadeFunctions(t *testing.T) {
	t.Parallel()
	const role = "arn:aws:iam::123456789012:role/keep"
	fn := function.Function{Name: "keep-all", Kind: function.InProcess, Integration: "sqs", Settings: map[string]string{"queueUrl": "https://sqs.eu-west-1.amazonaws.com/123456789012/kept"}}
	n := Needing{Functions: []function.Function{fn, fn}, Sections: Sections{Roles: cloud.Roles{role: {Assume: true}}}}
	n.Functions[1].Name = "keep_more"
	got, notes := policyOf(n)
	require.Equal(t, map[string][]string{"RunKeepAllCall1": {"arn:aws:sqs:eu-west-1:123456789012:kept"}, "RunKeepMoreCall2": {"arn:aws:sqs:eu-west-1:123456789012:kept"}}, got)
	require.Empty(t, notes)
	n.Functions = n.Functions[:1]
	n.Functions[0].Role = role
	got, notes = policyOf(n)
	require.Equal(t, map[string][]string{"AssumeTheFunctionsRole": {role}}, got)
	require.Equal(t, []string{"what function keep-all calls is granted to " + role + ": gantry integrations show sqs", "the trust policy of " + role + " has to name gantry's identity"}, notes)

	m := mapping.Mapping{GroupID: "g", Source: mapping.Source{Topics: []string{"o"}}, Output: &mapping.Output{Topic: "a", Topics: []string{"b"}}}
	seen := map[string]bool{}
	for _, s := range PolicyFor(Needing{Mapping: m, Cluster: kafka.Config{ARN: "arn:aws:kafka:eu-west-1:123456789012:cluster/main/abc-1", SASL: &kafka.SASLConfig{Mechanism: kafka.MSKIAM}}}).Policy.Statement {
		require.False(t, seen[s.Sid], "%s is there twice", s.Sid)
		seen[s.Sid] = true
	}
	require.True(t, seen["WriteAnswers"])
}
