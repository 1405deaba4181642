package e2e_test

import (
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"gantry/mapping"
)

const (
	saslCA = `sourceAccessConfigurations: [{type: SERVER_ROOT_CA_CERTIFICATE, uri: "file:ca.json"}, `
	caOnly = "SERVER_ROOT_CA_CERTIFICATE=ca.json"
)

// to is a creation that reads the orders topic.
func to(broker string, access ...string) func(l *errorLab) *lambda.CreateEventSourceMappingInput {
	return func(l *errorLab) *lambda.CreateEventSourceMappingInput { return l.wish(broker, ordersTopic, access...) }
}

// both is the same mistake through the API and in a file.
func both(section, did, want, broker, file string, access ...string) []errorCase {
	return []errorCase{
		created(section, did, want, to(broker, access...)),
		declared(section, did, want, `brokers: ["`+broker+`"], topic: `+ordersTopic+file),
	}
}

func reachCases() []errorCase {
	const s, p = "Reaching the cluster", mapping.ProblemConnection
	var all []errorCase
	all = append(all, both(s, "wrong broker address: nothing listens there", p, "@CLOSED", "")...)
	all = append(all, both(s, "wrong broker address: the name does not exist", p, "kafka.invalid:9092", ", allowPlaintext: true", caOnly)...)
	all = append(all, both(s, "wrong broker address: a web server listens there", p, "@FOREIGN", "")...)
	all = append(all, both(s, "the broker is silent", p, "@MUTE", "")...)
	all = append(all, both(s, "plaintext to a TLS port", p, "@MTLS", "")...)
	all = append(all, both(s, "TLS to a plaintext port", p, "@PLAIN", ", "+saslCA+"]", caOnly)...)
	return append(all,
		created(s, "a broker on another machine, no access given", "", to("kafka.example.com:9092")),
		declared(s, "a broker on another machine, no access given", p, `brokers: ["kafka.example.com:9092"], topic: orders`))
}

func loginCases() []errorCase {
	const s, p = "Logging in", mapping.ProblemSASL
	var all []errorCase
	for _, m := range []struct{ name, kind string }{
		{"SCRAM-SHA-512", "SASL_SCRAM_512_AUTH"}, {"SCRAM-SHA-256", "SASL_SCRAM_256_AUTH"}, {"PLAIN", "BASIC_AUTH"},
	} {
		all = append(all, both(s, "wrong password, "+m.name, p, "@SASL", ", "+saslCA+`{type: `+m.kind+`, uri: "file:wrong-login.json"}]`,
			caOnly, m.kind+"=wrong-login.json")...)
	}
	const scram = "SASL_SCRAM_512_AUTH"
	all = append(all, both(s, "a secret without password", mapping.ProblemConnection, "@SASL",
		", "+saslCA+`{type: SASL_SCRAM_512_AUTH, uri: "file:half-login.json"}]`, caOnly, scram+"=half-login.json")...)
	all = append(all, both(s, "a secret that is no JSON", mapping.ProblemConnection, "@SASL",
		", "+saslCA+`{type: SASL_SCRAM_512_AUTH, uri: "file:not-json.json"}]`, caOnly, scram+"=not-json.json")...)
	all = append(all, both(s, "a secret file that is not there", mapping.ProblemConnection, "@SASL",
		", "+saslCA+`{type: SASL_SCRAM_512_AUTH, uri: "file:absent.json"}]`, caOnly, scram+"=absent.json")...)
	all = append(all, both(s, "a variable that is not set", mapping.ProblemConnection, "@SASL",
		", "+saslCA+`{type: SASL_SCRAM_512_AUTH, uri: "env:ABSENT"}]`, caOnly, scram+"=env:ABSENT")...)
	for _, c := range []struct{ did, want, file string }{
		{"OAUTHBEARER at a port that does not offer it", p, "oauth.json"},
		{"OAUTHBEARER, a secret with fields of both grants", mapping.ProblemConnection, "two-grants.json"},
		{"OAUTHBEARER, a token endpoint without TLS", mapping.ProblemConnection, "plain-oauth.json"},
	} {
		all = append(all, both(s, c.did, c.want, "@SASL", ", "+saslCA+`{type: OAUTHBEARER_AUTH, uri: "file:`+c.file+`"}]`, caOnly, "OAUTHBEARER_AUTH="+c.file)...)
	}
	return append(all, both(s, "a reference that no rule of secrets: knows", mapping.ProblemConnection, "@SASL",
		", "+saslCA+`{type: SASL_SCRAM_512_AUTH, uri: "arn:aws:secretsmanager:eu-west-1:123456789012:secret:kafka"}]`,
		caOnly, scram+"=arn:aws:secretsmanager:eu-west-1:123456789012:secret:kafka")...)
}

func trustCases() []errorCase {
	const s = "TLS and certificates"
	const scram, login = "SASL_SCRAM_512_AUTH=login.json", `{type: SASL_SCRAM_512_AUTH, uri: "file:login.json"}]`
	client := func(file string) string {
		return ", " + saslCA + `{type: CLIENT_CERTIFICATE_TLS_AUTH, uri: "file:` + file + `"}]`
	}
	var all []errorCase
	all = append(all, both(s, "untrusted CA: another root is given", mapping.ProblemAuthServer, "@SASL",
		`, sourceAccessConfigurations: [{type: SERVER_ROOT_CA_CERTIFICATE, uri: "file:untrusted-ca.json"}, `+login,
		"SERVER_ROOT_CA_CERTIFICATE=untrusted-ca.json", scram)...)
	all = append(all, both(s, "untrusted CA: none is given and the system does not know it", mapping.ProblemAuthServer, "@SASL",
		", sourceAccessConfigurations: ["+login, scram)...)
	all = append(all, both(s, "a CA that is no certificate", mapping.ProblemCertificate, "@SASL",
		`, sourceAccessConfigurations: [{type: SERVER_ROOT_CA_CERTIFICATE, uri: "file:not-a-ca.pem"}, `+login,
		"SERVER_ROOT_CA_CERTIFICATE=not-a-ca.pem", scram)...)
	all = append(all, both(s, "no client certificate where the broker wants one", mapping.ProblemServerAuth, "@MTLS", ", "+saslCA+"]", caOnly)...)
	for _, c := range []struct{ did, want, file string }{
		{"a client certificate of another CA", mapping.ProblemServerAuth, "stranger.json"},
		{"a private key that is no PEM", mapping.ProblemCertificate, "broken.json"},
		{"a private key of another certificate", mapping.ProblemCertificate, "other-key.json"},
		{"an encrypted private key, wrong password", mapping.ProblemCertificate, "wrong-key-password.json"},
	} {
		all = append(all, both(s, c.did, c.want, "@MTLS", client(c.file), caOnly, "CLIENT_CERTIFICATE_TLS_AUTH="+c.file)...)
	}
	return all
}

func topicCases() []errorCase {
	const s = "Topics and ACLs"
	user := func(name string) string {
		return saslCA + `{type: SASL_SCRAM_512_AUTH, uri: "file:` + name + `.json"}]`
	}
	as := func(name string) []string { return []string{caOnly, "SASL_SCRAM_512_AUTH=" + name + ".json"} }
	return []errorCase{
		created(s, "missing topic", mapping.ProblemConnection, func(l *errorLab) *lambda.CreateEventSourceMappingInput { return l.wish("@PLAIN", "absent") }),
		declared(s, "missing topic", mapping.ProblemConnection, `brokers: ["@PLAIN"], topic: absent`),
		created(s, "denied ACL: nothing allowed", mapping.ProblemAuthorize, to("@SASL", as("nobody")...)),
		declared(s, "denied ACL: nothing allowed", mapping.ProblemAuthorize, `brokers: ["@SASL"], topic: orders, `+user("nobody")),
		declared(s, "denied ACL: Describe but not Read on the topic", mapping.ProblemAuthorize, `brokers: ["@SASL"], topic: orders, `+user("describer")),
		declared(s, "denied ACL: nothing allowed on the group", mapping.ProblemAuthorize, `brokers: ["@SASL"], topic: orders, `+user("ungrouped")),
	}
}
