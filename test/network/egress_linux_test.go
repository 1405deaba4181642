package network_test

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gantry/declare"
	"gantry/internal/gantrytest"
)

const connectionProblem = "PROBLEM: Connection error."

// egress is a gantry whose networks allow what the cases below say.
func egress(w *world, port string, mappings string) *gantrytest.Gantry {
	return w.gantry(fmt.Sprintf(`
networks:
  way: {proxy: "socks5://%[1]s:1080", proxyLogin: "file:./proxy.json", allowPlaintext: true}
  way-2: {proxy: "http://%[1]s:8888"}
  sg-boot: {allow: ["boot.internal:*"]}
  sg-dc: {allow: ["%[2]s/24:%[3]s"]}
  sg-other-port: {allow: ["%[2]s/24:1-1024", "*.internal:9092"]}
  sg-nothing: {allow: []}
clusters:
  far: {brokers: ["kafka.internal:%[3]s"], allowPlaintext: true}
functions:
  f: {http: "%[4]s"}
  g: {http: "%[4]s", network: sg-nothing}
%[5]s`, edgeName, w.dcIP, port, w.fn.URL, mappings))
}

// What the allow list does not have is refused by gantry itself, whoever named it, and
// said: to the one who creates a mapping, in the mapping's result and in the log. Nothing
// of it reaches the proxy.
func TestEgressIsRefusedAndSaid(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	_, port, err := net.SplitHostPort(w.kafka.Brokers()[0])
	require.NoError(t, err)
	proxy := w.socks()
	topic, late, other := w.topic(), w.topic(), w.topic()
	g := egress(w, port, fmt.Sprintf(`mappings:
  blocked: {function: f, cluster: far, topic: %[1]s, startingPosition: TRIM_HORIZON, network: [way, sg-other-port]}
  metadata: {function: f, brokers: ["boot.internal:%[2]s"], topic: %[1]s, startingPosition: TRIM_HORIZON, network: [way, sg-boot]}
  function: {function: g, cluster: far, topic: %[1]s, startingPosition: TRIM_HORIZON, network: way}
  dns: {function: f, cluster: far, topic: %[3]s, startingPosition: TRIM_HORIZON, network: [way, sg-dc]}
`, topic, port, late))
	uuids := map[string]string{}
	for _, name := range []string{"blocked", "metadata", "function", "dns"} {
		uuids[name] = declare.UUID(declare.DefaultAccountID, declare.DefaultRegion, name)
	}
	for _, name := range []string{"blocked", "metadata", "dns"} {
		result(t, g, uuids[name], connectionProblem)
	}
	require.Contains(t, detail(t, g, uuids["blocked"]), "kafka.internal:"+port+" is refused by gantry: networks: sg-other-port allows")
	require.Contains(t, detail(t, g, uuids["metadata"]), "reach the advertised brokers")
	require.Contains(t, detail(t, g, uuids["metadata"]), "kafka.internal:"+port+" is refused by gantry: networks: sg-boot allows boot.internal:*")
	require.Contains(t, detail(t, g, uuids["dns"]), "the name kafka.internal could not be resolved here")
	result(t, g, uuids["function"], "PROBLEM: Function call failed")
	require.Contains(t, detail(t, g, uuids["function"]), "is refused by gantry: networks: sg-nothing allows nothing")
	require.Empty(t, w.fn.Calls(), "a function behind a refused way was called")

	w.app.Name("10.99.0.9", "kafka.internal") // the name leads out of the networks that are allowed
	atOnce(t, g, uuids["dns"])
	require.Eventually(t, func() bool { return strings.Contains(detail(t, g, uuids["dns"]), "(here 10.99.0.9) is refused") }, patience, poll)
	w.app.Name(w.dcIP, "kafka.internal")
	atOnce(t, g, uuids["dns"])
	w.settles("gantry.dns", late, 3)

	for _, c := range []struct {
		networks []string
		want     string
	}{
		{[]string{"subnet:subnet-1", "security_group:sg-1"}, `"subnet-1" is no name in networks:`},
		{[]string{"subnet:way", "security_group:sg-1"}, `"sg-1" is no name in networks:`},
		{[]string{"subnet:way", "subnet:way-2"}, "networks way and way-2 name two different ways"},
		{[]string{"subnet:way", "security_group:sg-nothing"}, "gantry's own egress rules do not allow this connection"},
	} {
		_, err := g.Lambda().CreateEventSourceMapping(t.Context(), apiMapping(other, "boot.internal:"+port, c.networks...))
		require.ErrorContains(t, err, c.want)
	}
	require.Equal(t, 1, lines(g.Log(), `msg="egress refused"`, "networks: sg-other-port allows"), "a refusal is logged once")
	for line := range strings.Lines(proxy.Output()) {
		require.NotContains(t, line, "10.99.0.9", "what was refused went to the proxy")
	}
}

// atOnce has a mapping tried again now: Go's resolver looks at the names again after 5 s.
func atOnce(t *testing.T, g *gantrytest.Gantry, uuid string) {
	t.Helper()
	time.Sleep(5 * time.Second) //gantry:sleep Go's resolver keeps /etc/hosts for 5 s
	for _, act := range []string{"pause", "resume"} {
		require.NoError(t, g.API().Do(t.Context(), "POST", "/gantry/v1/mappings/"+uuid+"/"+act, nil, nil, nil))
	}
}

// lines counts the lines of a text that have all the words.
func lines(text string, words ...string) (n int) {
	for line := range strings.Lines(text) {
		if !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(line, w) }) {
			n++
		}
	}
	return n
}
