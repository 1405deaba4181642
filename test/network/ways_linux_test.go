package network_test

import (
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/stretchr/testify/require"

	"gantry/internal/kafkatest"
)

// Records come through every way there is, and no other: the brokers are out of reach
// without it. A way that breaks and comes back loses nothing.
func TestEveryWay(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	plain, secure := w.kafka.Brokers()[0], w.kafka.SASLBrokers()[0]
	_, port, err := net.SplitHostPort(plain)
	require.NoError(t, err)
	socks := w.socks()
	w.httpProxy(port)
	w.httpsProxy()
	again := w.jumpHost()
	_, err = w.app.Dial(within(t, time.Second), "tcp", net.JoinHostPort(w.dcIP, port))
	require.Error(t, err, "app reaches the brokers by itself")
	topics := map[string]string{}
	mappings := ""
	for _, way := range []string{"socks", "socks-tls", "http", "https", "jump", "mapped"} {
		topics[way] = w.topic()
		mappings += fmt.Sprintf("  %s: {function: f, cluster: %s, topic: %s, startingPosition: TRIM_HORIZON}\n", way, way, topics[way])
	}
	g := w.gantry(fmt.Sprintf(`
networks:
  subnet-socks: {proxy: "socks5://%[1]s:1080", proxyLogin: "file:./proxy.json", allow: ["*.internal:*"]}
  subnet-http: {proxy: "http://%[1]s:8888", proxyLogin: "file:./proxy.json", allowPlaintext: true}
  https: {proxy: "https://%[1]s:3129", proxyCA: "file:./squid.pem"}
  jump: {jump: {host: "%[1]s:2222", user: root, key: "file:./jump.key", knownHosts: ./known_hosts}}
  mapped: {proxy: "socks5://%[1]s:1080", proxyLogin: "file:./proxy.json", addresses: {%[2]s: %[3]s}, allow: ["%[3]s/24:*"]}
clusters:
  socks: {brokers: ["%[4]s"], allowPlaintext: true, network: subnet-socks}
  socks-tls: {brokers: ["%[5]s"], tls: {ca: "file:./ca.pem"}, sasl: {mechanism: SCRAM-SHA-512, secret: "file:./login.json"}, network: subnet-socks}
  http: {brokers: ["%[4]s"], allowPlaintext: true, network: subnet-http}
  https: {brokers: ["%[4]s"], allowPlaintext: true, network: https}
  jump: {brokers: ["%[4]s"], allowPlaintext: true, network: jump}
  mapped: {brokers: ["%[5]s"], tls: {ca: "file:./ca.pem"}, sasl: {mechanism: SCRAM-SHA-512, secret: "file:./login.json"}, network: mapped}
functions:
  f: {http: "%[6]s"}
mappings:
%[7]s`, edgeName, kafkaName, w.dcIP, plain, secure, w.fn.URL, mappings))
	for way, topic := range topics {
		w.settles("gantry."+way, topic, 3)
	}

	api := apiMapping(w.topic(), "boot.internal:"+port, "subnet:subnet-http")
	made, err := g.Lambda().CreateEventSourceMapping(t.Context(), api)
	require.NoError(t, err)
	w.settles(aws.ToString(made.UUID), api.Topics[0], 3)

	socks.Kill()
	again() // the jump host is gone and comes back at once
	for way, topic := range topics {
		kafkatest.ProduceValues(t, w.kafka, topic, 0, "d-"+way)
	}
	w.settles("gantry.jump", topics["jump"], 4)
	w.socks()
	for way, topic := range topics {
		w.settles("gantry."+way, topic, 4)
	}
	require.NotContains(t, g.Log(), password, "a secret in the log")
}
