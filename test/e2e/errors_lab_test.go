package e2e_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"

	"gantry/declare"
	"gantry/internal/fakelambda"
	"gantry/internal/gantrytest"
	"gantry/internal/kafkatest"
	"gantry/mapping"
)

// errorLab is what all cases share: a cluster with ACLs, a gantry with the mappings of a
// file, the secrets of several users.
type errorLab struct {
	c                *kafkatest.Cluster
	g                *gantrytest.Gantry
	aws              *lambda.Client
	dir              string
	http             *fakelambda.Server
	failing, missing *fakelambda.Server
	normal           *strings.Replacer

	closed, foreign, mute string // addresses that nothing, or no Kafka, listens at
}

const ordersTopic = "orders"

func newErrorLab(t *testing.T, cases []errorCase) *errorLab {
	l := &errorLab{dir: t.TempDir(), http: fakelambda.Start(t),
		failing: fakelambda.Start(t, fakelambda.Fail("Error", "it was told to fail")), missing: fakelambda.Start(t, fakelambda.Status(404, "NotFound"))}
	l.c = kafkatest.Start(t, kafkatest.Options{ACLs: true, Properties: map[string]string{
		// A login lasts two seconds: then the password is asked for again.
		"listener.name.sasl.scram-sha-256.connections.max.reauth.ms": "2000",
		"message.max.bytes": "8000000",
	}})
	l.c.CreateTopic(t, ordersTopic, 1, nil)
	l.folders(t)
	l.users(t)
	l.addresses(t)
	l.secrets(t)
	l.normal = strings.NewReplacer(l.c.Brokers()[0], "broker:9092", l.c.SASLBrokers()[0], "broker:9093", l.c.MTLSBrokers()[0], "broker:9094",
		l.closed, "broker:9999", l.foreign, "web:80", l.mute, "silent:9092", l.dir, "DIR", l.http.URL, "http://function",
		l.failing.URL, "http://function", l.missing.URL, "http://function")
	l.g = gantrytest.Start(t, gantrytest.Options{Dir: l.dir, Config: l.config(t, cases), Env: awsEnv()})
	l.aws = l.g.Lambda()
	awaitFunction(t, l.g, "orders") // the API answers before the file is applied
	return l
}

// folders of functions that can't start.
func (l *errorLab) folders(t *testing.T) {
	for name, content := range map[string]string{"empty/readme": "no program here\n", "broken/bootstrap": "\x00\x01"} {
		path := filepath.Join(l.dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, []byte(content), 0o700))
	}
}

// users: gantry may read everything; the others lack something.
func (l *errorLab) users(t *testing.T) {
	everything := []string{"*"}
	read := []kadm.ACLOperation{kadm.OpRead, kadm.OpDescribe}
	l.c.Allow(t, kafkatest.UserName, kafkatest.ACL{Topics: everything, Groups: everything, Operations: read})
	for _, user := range []string{"nobody", "describer", "ungrouped", "rotating"} {
		l.c.AddUser(t, user, user+"-secret")
	}
	l.c.Allow(t, "describer", kafkatest.ACL{Topics: everything, Operations: []kadm.ACLOperation{kadm.OpDescribe}})
	l.c.Allow(t, "describer", kafkatest.ACL{Groups: everything, Operations: read})
	l.c.Allow(t, "ungrouped", kafkatest.ACL{Topics: everything, Operations: read})
	l.c.Allow(t, "rotating", kafkatest.ACL{Topics: everything, Groups: everything, Operations: read})
}

func (l *errorLab) addresses(t *testing.T) {
	l.closed = "127.0.0.1:1" // a port that was just closed may be another test's a moment later
	l.foreign = strings.TrimPrefix(fakelambda.Start(t).URL, "http://")
	mute, err := net.Listen("tcp", "127.0.0.1:0") // its backlog accepts, nobody answers
	require.NoError(t, err)
	t.Cleanup(func() { _ = mute.Close() })
	l.mute = mute.Addr().String()
}

func login(user, password string) string {
	return fmt.Sprintf(`{"username":%q,"password":%q}`, user, password)
}

func certificate(fields ...string) string {
	doc := map[string]string{}
	for i := 0; i < len(fields); i += 2 {
		doc[fields[i]] = fields[i+1]
	}
	body, _ := json.Marshal(doc) // strings always have a JSON form
	return string(body)
}

func (l *errorLab) secrets(t *testing.T) {
	tls := l.c.TLS
	for name, content := range map[string]string{
		"login.json": login(kafkatest.UserName, kafkatest.UserPassword), "wrong-login.json": login(kafkatest.UserName, "wrong"),
		"oauth.json":       `{"oauthTokenEndpointUrl":"https://127.0.0.1:1/token","oauthClientId":"gantry","oauthClientSecret":"hidden"}`,
		"two-grants.json":  `{"oauthTokenEndpointUrl":"https://idp/token","oauthClientId":"gantry","oauthClientSecret":"hidden","oauthClientEmail":"gantry@example.com"}`,
		"plain-oauth.json": `{"oauthTokenEndpointUrl":"http://idp/token","oauthClientId":"gantry","oauthClientSecret":"hidden"}`,
		"half-login.json":  `{"user":"gantry"}`, "not-json.json": `{"username":`,
		"ca.json": certificate("certificate", string(tls.CA.Bytes)), "untrusted-ca.json": certificate("certificate", string(tls.UntrustedCA.Bytes)),
		"ca.pem": string(tls.CA.Bytes), "not-a-ca.pem": "hello\n",
		"client.json":    certificate("certificate", string(tls.Client.Bytes), "privateKey", string(tls.Key.Bytes)),
		"stranger.json":  certificate("certificate", string(tls.Stranger.Bytes), "privateKey", string(tls.StrangeKey.Bytes)),
		"broken.json":    certificate("certificate", string(tls.Client.Bytes), "privateKey", "hello"),
		"other-key.json": certificate("certificate", string(tls.Client.Bytes), "privateKey", string(tls.StrangeKey.Bytes)),
		"wrong-key-password.json": certificate("certificate", string(tls.Client.Bytes), "privateKey", string(tls.EncryptedKey.Bytes),
			"privateKeyPassword", "wrong"),
		"nobody.json": login("nobody", "nobody-secret"), "describer.json": login("describer", "describer-secret"),
		"ungrouped.json": login("ungrouped", "ungrouped-secret"), "rotating.json": login("rotating", "rotating-secret"),
	} {
		require.NoError(t, os.WriteFile(filepath.Join(l.dir, name), []byte(content), 0o600))
	}
}

// config declares the functions and the mappings that a file brings in.
func (l *errorLab) config(t *testing.T, cases []errorCase) string {
	var b strings.Builder
	b.WriteString("aws: {region: eu-west-1, endpoint: " + newAWS(t).URL + "}\nfunctions:\n")
	for _, name := range []string{"declared", "orders", "rewritten", "doomed"} {
		fmt.Fprintf(&b, "  %s: {http: %q}\n", name, l.http.URL)
	}
	for _, c := range cases {
		if c.function != "" {
			fmt.Fprintf(&b, "  %s: %s\n", functionName(c.did), l.fill(c.function))
		}
	}
	b.WriteString("mappings:\n")
	for i, c := range cases {
		if c.entry != "" {
			fmt.Fprintf(&b, "  %s: {function: declared, startingPosition: TRIM_HORIZON, %s}\n", mappingName(i), l.fill(c.entry))
		}
	}
	return b.String()
}

// functionName is what a function is called that does something wrong.
func functionName(did string) string {
	return strings.Trim(notInName.ReplaceAllString(did, "-"), "-")
}

var notInName = regexp.MustCompile(`[^a-zA-Z0-9]+`)

func mappingName(i int) string { return fmt.Sprintf("case-%d", i) }

// fill puts addresses into a text: @PLAIN, @SASL, @MTLS, @CLOSED, @FOREIGN, @MUTE.
func (l *errorLab) fill(text string) string {
	return strings.NewReplacer("@PLAIN", l.c.Brokers()[0], "@SASL", l.c.SASLBrokers()[0], "@MTLS", l.c.MTLSBrokers()[0],
		"@CLOSED", l.closed, "@FOREIGN", l.foreign, "@MUTE", l.mute,
		"@FAILING", l.failing.URL, "@MISSING", l.missing.URL).Replace(text)
}

// access reads TYPE=file pairs.
func (l *errorLab) access(pairs ...string) []types.SourceAccessConfiguration {
	var out []types.SourceAccessConfiguration
	for _, p := range pairs {
		kind, file, _ := strings.Cut(p, "=")
		if !strings.Contains(file, ":") {
			file = "file:" + filepath.Join(l.dir, file)
		}
		out = append(out, types.SourceAccessConfiguration{Type: types.SourceAccessType(kind), URI: &file})
	}
	return out
}

func (l *errorLab) wish(broker, topic string, access ...string) *lambda.CreateEventSourceMappingInput {
	return &lambda.CreateEventSourceMappingInput{
		FunctionName: aws.String("orders"), Topics: []string{topic}, StartingPosition: types.EventSourcePositionTrimHorizon,
		SelfManagedEventSource:     &types.SelfManagedEventSource{Endpoints: map[string][]string{"KAFKA_BOOTSTRAP_SERVERS": {l.fill(broker)}}},
		SourceAccessConfigurations: l.access(access...),
	}
}

// refused is what the API says to a creation that it must not carry out.
func (l *errorLab) refused(t *testing.T, in *lambda.CreateEventSourceMappingInput) shown {
	t.Helper()
	_, err := l.aws.CreateEventSourceMapping(t.Context(), in)
	return exception(t, err)
}

// exception splits an error of the API into AWS's text, what happened, and what to try.
func exception(t *testing.T, err error) shown {
	t.Helper()
	var api smithy.APIError
	require.True(t, errors.As(err, &api), "want an exception, not %v", err)
	s := split(api.ErrorMessage())
	s.text = api.ErrorCode() + ": " + s.text
	return s
}

func split(text string) shown {
	var s shown
	for _, result := range []string{
		mapping.ProblemAuthorize, mapping.ProblemSASL, mapping.ProblemServerAuth, mapping.ProblemAuthServer,
		mapping.ProblemCertificate, mapping.ProblemConnection,
	} {
		if before, rest, ok := strings.Cut(text, result); ok {
			s.result, text = result, strings.TrimSpace(before+strings.TrimSpace(rest))
		}
	}
	s.text, s.try, _ = strings.Cut(text, ". Try: ")
	return s
}

// problem waits until a mapping shows a result and gives it with its explanation.
func (l *errorLab) problem(t *testing.T, uuid, want string) shown {
	t.Helper()
	var got *lambda.GetEventSourceMappingOutput
	require.Eventually(t, func() bool {
		var err error
		got, err = l.aws.GetEventSourceMapping(t.Context(), &lambda.GetEventSourceMappingInput{UUID: &uuid})
		return err == nil && aws.ToString(got.LastProcessingResult) == want
	}, 60*time.Second, 100*time.Millisecond, "want %q", want)
	require.Contains(t, []string{"Enabled", "Updating"}, aws.ToString(got.State))
	var view struct{ Status mapping.Status }
	require.NoError(t, l.g.API().Do(t.Context(), "GET", "/gantry/v1/mappings/"+uuid, nil, nil, &view))
	s := split(view.Status.Detail)
	if s.try == "" {
		s.text, s.try, _ = strings.Cut(s.text, "; ")
	}
	if text, next, ok := strings.Cut(s.text, ". To go on behind the gap: "); ok {
		s.text, s.try = text, next
	}
	s.result, s.reason = aws.ToString(got.LastProcessingResult), aws.ToString(got.StateTransitionReason)
	return s
}

// declared gives the status of a mapping of the file.
func declared(section, did, want, entry string) errorCase {
	c := errorCase{section: section, did: did, door: throughFile, want: want, entry: entry}
	c.show = func(t *testing.T, l *errorLab) shown {
		for i, other := range errorCases() {
			if other.section == section && other.did == did && other.door == throughFile {
				return l.problem(t, declare.UUID(declare.DefaultAccountID, declare.DefaultRegion, mappingName(i)), want)
			}
		}
		t.Fatalf("%s: no such case", did)
		return shown{}
	}
	return c
}

// created is a creation through the API that is refused.
func created(section, did, want string, in func(l *errorLab) *lambda.CreateEventSourceMappingInput) errorCase {
	return errorCase{section: section, did: did, door: throughAPI, want: want,
		show: func(t *testing.T, l *errorLab) shown { return l.refused(t, in(l)) }}
}

var (
	uuidText     = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	localPort    = regexp.MustCompile(`127\.0\.0\.1:\d+->`)
	resolver     = regexp.MustCompile(` on [0-9.:\[\]a-f]+:53`)
	declaredName = regexp.MustCompile(`case-\d+`)
	// Which of two timeouts ends the wait for a silent broker is a matter of milliseconds.
	eitherTimeout = regexp.MustCompile(`The event source did not answer within \d+s: |connect to \S+ with \S+: context deadline exceeded\n|\. Nothing was created; check .*$`)
	timeText      = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z`)
)

// normal takes out what differs from run to run.
func (s shown) normal(l *errorLab) shown {
	for _, text := range []*string{&s.text, &s.try} {
		v := localPort.ReplaceAllString(*text, "")
		v = resolver.ReplaceAllString(uuidText.ReplaceAllString(v, "UUID"), "")
		v = declaredName.ReplaceAllString(v, "NAME")
		v = eitherTimeout.ReplaceAllString(v, "")
		v = strings.ReplaceAll(v, strings.Repeat("x", 280), "x…")
		*text = l.normal.Replace(timeText.ReplaceAllString(v, "TIME"))
	}
	return s
}
