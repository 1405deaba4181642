package kafka

import (
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"gantry/mapping"
)

// What the broker is told first (KIP-342): the token, and each extension, whichever way
// it was given. Kafka's own validator takes any, so no broker notices one that is missing.
func TestExtensionsGoBesideTheToken(t *testing.T) {
	t.Parallel()
	idp := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprint(w, `{"access_token":"granted","token_type":"Bearer","expires_in":600}`)
	}))
	t.Cleanup(idp.Close)
	ca := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: idp.Certificate().Raw}))
	secrets := &vault{
		plain: map[string]string{"token": "ready", "secret": "s", "ca": ca},
		fields: map[string]map[string]string{"idp": {
			fieldEndpoint: idp.URL, fieldClient: "c", fieldSecret: "s", fieldCA: ca,
		}},
	}
	extra := map[string]string{"logicalCluster": "lkc-1", "identityPoolId": "pool-1"}
	tls := &TLSConfig{}
	clusters := map[string]Config{
		"ready":  {Brokers: []string{"r:1"}, TLS: tls, SASL: &SASLConfig{Mechanism: OAuthBearer, OAuth: &OAuthConfig{Token: "token", Extensions: extra}}},
		"fields": {Brokers: []string{"f:1"}, TLS: tls, SASL: &SASLConfig{Mechanism: OAuthBearer, OAuth: &OAuthConfig{TokenEndpoint: idp.URL, CA: "ca", ClientID: "c", ClientSecret: "secret", Extensions: extra}}},
		"secret": {Brokers: []string{"s:1"}, TLS: tls, SASL: &SASLConfig{Mechanism: OAuthBearer, Secret: "idp", OAuth: &OAuthConfig{Extensions: extra}}},
	}
	for name, source := range map[string]mapping.Source{
		"ready": {Cluster: "ready"}, "fields": {Cluster: "fields"}, "secret": {Cluster: "secret"},
		"AWS's types": with(bootstrap("b:9093"), mapping.OAuth, "idp", mapping.OAuthCluster, "lkc-1", mapping.OAuthPool, "pool-1"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := Resolver{Clusters: clusters, Secrets: secrets}.Resolve(t.Context(), source)
			require.NoError(t, err)
			_, first, err := c.who().begin(t.Context(), "b:9093")
			require.NoError(t, err)
			parts := strings.Split(string(first), "\x01")
			token := map[bool]string{true: "ready", false: "granted"}[name == "ready"]
			require.ElementsMatch(t, []string{"n,,", "auth=Bearer " + token, "logicalCluster=lkc-1", "identityPoolId=pool-1", "", ""}, parts)
		})
	}
}
