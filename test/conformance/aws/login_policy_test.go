package aws_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"gantry/internal/gantrytest"
	"gantry/internal/kafkatest"
)

// doors is a broker that is entered with what AWS STS gives: the keys of a role, and a
// token of gantry's own.
type doors struct {
	*kafkatest.Cluster
	issuer *kafkatest.Issuer
	roots  string // file of the brokers' CA
}

func newDoors(t *testing.T) doors {
	kafkatest.Need(t, kafkatest.Latest)
	d := doors{issuer: kafkatest.StartIssuer(t), roots: filepath.Join(t.TempDir(), "ca.pem")}
	msk := kafkatest.NewMSK(t, kafkatest.Latest)
	d.Cluster = kafkatest.Start(t, kafkatest.Options{
		Listeners: []kafkatest.Listener{d.issuer.Listener(), msk.Listener()}, Classes: msk.Classes, JVM: d.issuer.JVM(),
	})
	msk.Keys(t, "ASIAROLE=temporary,session/token")
	require.NoError(t, os.WriteFile(d.roots, d.TLS.CA.Bytes, 0o600))
	return d
}

// sts answers those whom the gate lets through.
func (d doors) sts(t *testing.T) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		action, soon := r.Form.Get("Action"), time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
		result := "<Credentials><AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>temporary</SecretAccessKey><SessionToken>session/token</SessionToken><Expiration>" + soon + "</Expiration></Credentials>"
		if action == "GetWebIdentityToken" {
			result = "<WebIdentityToken>" + d.issuer.Token(t, jwt.MapClaims{"aud": r.Form.Get("Audience.member.1")}) + "</WebIdentityToken><Expiration>" + soon + "</Expiration>"
		}
		fmt.Fprintf(w, "<%[1]sResponse><%[1]sResult>%[2]s</%[1]sResult></%[1]sResponse>", action, result)
	})
}

// config is a mapping whose cluster is entered by a door with a login.
func (d doors) config(g *gate, door, login, topic, function string) string {
	return fmt.Sprintf(`
aws: {region: eu-west-1, endpoint: %q}
clusters: {c: {brokers: ["%s"], tls: {ca: "file:%s"}, sasl: %s}}
functions: {f: {http: %q}}
mappings: {orders: {function: f, cluster: c, topic: %s, startingPosition: TRIM_HORIZON}}
`, g.URL, strings.Join(d.ListenerBrokers(door), `","`), d.roots, login, function, topic)
}

// byLogin are the statements of the proof below.
func byLogin() []string { return []string{"AssumeTheClustersRole", "GetATokenOfItsOwn"} }

// What gantry iam prints for logins that AWS makes is enough to log in to real brokers and
// to read; without it nobody comes in, and gantry names what was refused.
func TestThePrintedPolicyIsEnoughToLogIn(t *testing.T) {
	t.Parallel()
	d, g := newDoors(t), newGate(t, nil)
	g.services["sts"] = d.sts(t)
	var arrived atomic.Int64
	var seen []string
	function := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { arrived.Add(1) }))
	t.Cleanup(function.Close)
	for door, login := range map[string]string{
		"oauth": `{mechanism: OAUTHBEARER, oauth: {webIdentity: true, audience: ` + kafkatest.TokenAudience + `}}`,
		"msk":   `{mechanism: AWS_MSK_IAM, iam: {region: eu-west-1, role: "arn:aws:iam::` + account + `:role/kafka"}}`,
	} {
		topic := kafkatest.Topic(t)
		d.CreateTopic(t, topic, 1, nil)
		kafkatest.Produce(t, d.Cluster, &kgo.Record{Topic: topic, Value: []byte("x")})
		config := d.config(g, door, login, topic, function.URL)
		whole := printed(t, config)
		less := whole.less()
		require.Len(t, less, 1)
		seen = append(seen, whole.sids()...)
		for lacks, rest := range less {
			before := arrived.Load()
			one := d.start(t, g, config, rest)
			require.EventuallyWithT(t, func(c *assert.CollectT) { require.Contains(c, one.MustCLI("status"), lacks.action) }, time.Minute, 100*time.Millisecond)
			require.Equal(t, before, arrived.Load())
			require.NoError(t, one.Stop())
			one = d.start(t, g, config, whole)
			require.Eventually(t, func() bool { return arrived.Load() == before+1 }, time.Minute, 50*time.Millisecond, "nothing arrives")
			require.NoError(t, one.Stop())
			require.True(t, lacks.in(g.sum()))
		}
	}
	require.ElementsMatch(t, byLogin(), seen)
}

func (d doors) start(t *testing.T, g *gate, config string, may document) *gantrytest.Gantry {
	g.let("AKIAGANTRY", "gantry", may)
	return gantrytest.Start(t, gantrytest.Options{Config: config, Env: []string{
		"AWS_ACCESS_KEY_ID=AKIAGANTRY", "AWS_SECRET_ACCESS_KEY=s", "AWS_CONFIG_FILE=" + os.DevNull, "AWS_SHARED_CREDENTIALS_FILE=" + os.DevNull}})
}
