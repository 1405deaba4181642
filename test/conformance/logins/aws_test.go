package logins_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"gantry/mapping"
)

// startSTS answers what gantry asks of AWS STS: a role's credentials, and tokens of its
// own identity, which here come from the identity provider the brokers trust.
func (w *world) startSTS(t *testing.T) (url string) {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		action := r.Form.Get("Action")
		signed := strings.Contains(r.Header.Get("Authorization"), accessKey) && strings.Contains(r.Header.Get("Authorization"), "/sts/")
		soon := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
		var result string
		switch {
		case !signed:
		case action == "AssumeRole" && strings.HasSuffix(r.Form.Get("RoleArn"), ":role/kafka") && r.Form.Get("ExternalId") == "x" && r.Form.Get("RoleSessionName") == "gantry":
			result = "<Credentials><AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>temporary</SecretAccessKey><SessionToken>session/token</SessionToken><Expiration>" + soon + "</Expiration></Credentials>"
		case action == "GetWebIdentityToken":
			token := w.idp.Token(t, jwt.MapClaims{"aud": r.Form.Get("Audience.member.1")})
			result = "<WebIdentityToken>" + token + "</WebIdentityToken><Expiration>" + soon + "</Expiration>"
		}
		if result == "" {
			out.WriteHeader(http.StatusForbidden)
			fmt.Fprint(out, "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>not allowed</Message></Error></ErrorResponse>")
			return
		}
		fmt.Fprintf(out, "<%[1]sResponse><%[1]sResult>%[2]s</%[1]sResult></%[1]sResponse>", action, result)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// source is a way in as a mapping's SourceAccessConfigurations have it.
type source struct {
	name, door string
	access     []mapping.Access
}

func sources() []source {
	return []source{
		{"OAUTHBEARER", "oauth", []mapping.Access{
			{Type: mapping.OAuth, URI: "file:DIR/oauth.json"}, {Type: mapping.OAuthScope, URI: "kafka:read"}, {Type: mapping.OAuthAudience, URI: "kafka-brokers"},
			{Type: mapping.OAuthCluster, URI: "lkc-1"}, {Type: mapping.OAuthPool, URI: "pool-1"},
		}},
		{"OAUTHBEARER, JWT bearer", "oauth", []mapping.Access{{Type: mapping.OAuth, URI: "file:DIR/bearer.json"}}},
		{"IAM_AUTH", "msk", []mapping.Access{{Type: mapping.IAM}}},
		{"IAM_OAUTHBEARER_AUTH", "oauth", []mapping.Access{{Type: mapping.IAMOAuth}, {Type: mapping.OAuthAudience, URI: "kafka-brokers"}}},
		{"SASL_SCRAM_512_AUTH", "sasl", []mapping.Access{{Type: mapping.ScramSHA512, URI: "file:DIR/login.json"}}},
	}
}

func (w *world) checkSource(t *testing.T, s source) error {
	t.Helper()
	src := mapping.Source{
		Bootstrap: strings.Split(strings.ReplaceAll(w.brokers(s.door), `"`, ""), ","),
		Access:    []mapping.Access{{Type: mapping.ServerRootCA, URI: "file:" + w.dir + "/ca.pem"}},
	}
	for _, a := range s.access {
		a.URI = w.fill(a.URI)
		src.Access = append(src.Access, a)
	}
	c, err := w.resolver(nil).Resolve(t.Context(), src)
	if err != nil {
		return err
	}
	return ask(t, c)
}
