package network_test

import (
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"gantry/declare"
	"gantry/internal/kafkatest"
)

// What logging in fetches from elsewhere comes by the way of the brokers, and no other:
// app knows neither the token endpoint nor the KDC. Where the allow list has the brokers
// alone, gantry refuses the rest itself and says so.
func TestLoginsThroughEveryWay(t *testing.T) {
	kafkatest.Whole(t)
	t.Parallel()
	w := newMachines(t)
	idp := kafkatest.StartIssuerAt(t, kafkaName, w.dc.Listen("tcp", "0.0.0.0:0"))
	kdc := kafkatest.StartKDCAt(t, w.inDC())
	w.start(kafkatest.Options{Listeners: []kafkatest.Listener{idp.Listener(), kdc.Listener(t)}, JVM: append(kdc.JVM(), idp.JVM()...)})
	w.file("idp.pem", string(idp.CA.Bytes))
	w.file("client-secret", kafkatest.ClientSecret)
	logins := map[string]string{
		"oauth": fmt.Sprintf(`{mechanism: OAUTHBEARER, oauth: {tokenEndpoint: %q, ca: "file:./idp.pem", clientId: %s, clientSecret: "file:./client-secret"}}`,
			idp.URL, kafkatest.ClientID),
		"kerberos": fmt.Sprintf(`{mechanism: GSSAPI, kerberos: {principal: gantry, keytab: %q, config: %q}}`, kdc.Principal(t, "gantry"), kdc.Config),
	}
	ports := map[string]string{"idp": portOf(t, strings.TrimSuffix(strings.TrimPrefix(idp.URL, "https://"), "/token")), "kdc": portOf(t, kdc.Address)}
	for name := range logins {
		ports[name] = portOf(t, w.kafka.ListenerBrokers(name)[0])
	}
	w.socks()
	w.httpProxy(ports["idp"], ports["kdc"], ports["oauth"], ports["kerberos"])
	w.jumpHost()

	clusters, mappings, topics := "", "", map[string]string{}
	for _, way := range []string{"socks", "http", "jump", "brokers-only"} {
		for name, sasl := range logins {
			both := way + "-" + name
			topics[both] = w.topic()
			clusters += fmt.Sprintf("  %s: {brokers: [%q], tls: {ca: \"file:./ca.pem\"}, sasl: %s, network: %s}\n", both, w.kafka.ListenerBrokers(name)[0], sasl, way)
			mappings += fmt.Sprintf("  %[1]s: {function: f, cluster: %[1]s, topic: %[2]s, startingPosition: TRIM_HORIZON}\n", both, topics[both])
		}
	}
	g := w.gantry(fmt.Sprintf(`
networks:
  socks: {proxy: "socks5://%[1]s:1080", proxyLogin: "file:./proxy.json", allow: ["*.internal:*"]}
  http: {proxy: "http://%[1]s:8888", proxyLogin: "file:./proxy.json"}
  jump: {jump: {host: "%[1]s:2222", user: root, key: "file:./jump.key", knownHosts: ./known_hosts}}
  brokers-only: {proxy: "socks5://%[1]s:1080", proxyLogin: "file:./proxy.json", allow: ["%[2]s:%[3]s", "%[2]s:%[4]s"]}
clusters:
%[5]sfunctions:
  f: {http: "%[6]s"}
mappings:
%[7]s`, edgeName, kafkaName, ports["oauth"], ports["kerberos"], clusters, w.fn.URL, mappings))
	for both, topic := range topics {
		if !strings.HasPrefix(both, "brokers-only") {
			w.settles("gantry."+both, topic, 3)
		}
	}
	for login, other := range map[string]string{"oauth": "idp", "kerberos": "kdc"} {
		uuid := declare.UUID(declare.DefaultAccountID, declare.DefaultRegion, "brokers-only-"+login)
		result(t, g, uuid, connectionProblem)
		require.Contains(t, detail(t, g, uuid), kafkaName+":"+ports[other]+" is refused by gantry: networks: brokers-only allows", login)
	}
	require.NotContains(t, g.Log(), password, "a secret in the log")
	require.NotContains(t, g.Log(), kafkatest.ClientSecret, "a secret in the log")
}

func portOf(t *testing.T, address string) string {
	t.Helper()
	_, port, err := net.SplitHostPort(address)
	require.NoError(t, err)
	return port
}
