package e2e_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"

	"gantry/internal/gantrytest"
	"gantry/internal/kafkatest"
)

// least is what `gantry acls -o json` says.
type least struct {
	Principal string
	Needs     []struct {
		Resource, Name, Operation string
		Optional, Prefixed        bool
	}
	Commands []string
}

// The permissions gantry prints are enough: a mapping runs, gives up what fails to its
// dead-letter topic, and settles, with kafka-acls having carried out those lines and
// nothing else. And they are the least: with any one of them missing a mapping does not
// get there, and the doctor names the one that is missing.
func TestTheLeastACLsAreEnoughAndNoneCanGo(t *testing.T) {
	t.Parallel()
	c := kafkatest.Start(t, kafkatest.Options{ACLs: true})
	dir := secretFiles(t, c)
	names := []string{"whole", "without-0", "without-1", "without-2", "exactly", "exactly-without-3", "exactly-without-4"}
	config := aclWorld(t, c, names)
	writeFile(t, dir+"/acls.yaml", config)
	g := gantrytest.New(t, gantrytest.Options{Dir: dir, Config: config})

	for _, name := range names {
		var l least
		require.NoError(t, json.Unmarshal([]byte(g.MustCLI("acls", name, "-c", dir+"/acls.yaml", "-o", "json")), &l))
		require.Equal(t, "User:"+kafkatest.UserName, l.Principal)
		exactly := strings.HasPrefix(name, "exactly")
		require.Len(t, l.Commands, map[bool]int{false: 3, true: 5}[exactly], "%v", l.Commands)
		_, missing, less := strings.Cut(name, "without-")
		if !less {
			for _, command := range l.Commands {
				words := strings.Fields(command)
				require.Equal(t, []string{"kafka-acls", "--bootstrap-server", c.SASLBrokers()[0]}, words[:3])
				words[2] = c.Brokers()[0] // the administrator's door
				c.Tool(t, "org.apache.kafka.tools.AclCommand", words[1:]...)
			}
			continue
		}
		required := 0
		for _, n := range l.Needs {
			if n.Optional {
				continue
			}
			if required++; fmt.Sprint(required-1) == missing { // taken away
				continue
			}
			acl := kafkatest.ACL{Operations: []kadm.ACLOperation{map[string]kadm.ACLOperation{"Read": kadm.OpRead, "Write": kadm.OpWrite}[n.Operation]}}
			switch n.Resource {
			case "group":
				acl.Groups = []string{n.Name}
			case "transactional-id":
				acl.TransactionalIDs, acl.Prefixed = []string{n.Name}, n.Prefixed
			default:
				acl.Topics = []string{n.Name}
			}
			c.Allow(t, kafkatest.UserName, acl)
		}
	}
	g.Up()
	settles(t, c, "gantry.whole", "whole")
	require.EqualValues(t, 1, letters(t, c, "whole.dead"), "the poison record is a dead letter")
	settles(t, c, "gantry.exactly", "exactly")
	require.Equal(t, `null "{\"fine\":true}"`, asText(readAll(t, c, "exactly.out", 1)[0]))
	require.Len(t, readAll(t, c, "exactly.dead", 1), 1, "the letter is in a transaction")
	refusals(t, g)
	for name, missing := range map[string]string{
		"without-0": "Read on topic without-0", "without-1": "Read on group gantry.without-1", "without-2": "Write on topic without-2.dead",
		"exactly-without-3": "Write on topic exactly-without-3.out", "exactly-without-4": "Write on transactional-id gantry.",
	} {
		var report struct {
			OK    bool
			Steps []struct{ What, Result, Detail, Try string }
		}
		out, code := g.CLI("doctor", "mapping", name, "-o", "json")
		require.Equal(t, 1, code, out)
		require.NoError(t, json.Unmarshal([]byte(out), &report))
		var failed []string
		for _, s := range report.Steps {
			if s.Result == "failed" && strings.HasPrefix(s.What, "permission:") {
				failed = append(failed, s.Detail)
				require.Contains(t, s.Try, "kafka-acls")
			}
		}
		require.Len(t, failed, 1, "%+v", report.Steps)
		require.Contains(t, failed[0], "missing ACL: "+missing)
		require.NotEqual(t, int64(2), c.Committed(t, "gantry."+name, name)[0], "%s settles without %s", name, missing)
	}
	out := g.MustCLI("doctor", "mapping", "whole")
	require.Contains(t, out, "permission: Read on topic whole")
	require.Contains(t, out, "warning  permission: DescribeConfigs on topic whole")
	require.NotContains(t, out, kafkatest.UserPassword)
}

// refusals holds that a mapping whose answers the cluster refuses says what to allow.
func refusals(t *testing.T, g *gantrytest.Gantry) {
	t.Helper()
	for name, words := range map[string][]string{
		"exactly-without-3": {"Write on topic exactly-without-3.out is not allowed"},
		"exactly-without-4": {"transactional-id gantry.", "is not allowed"},
	} {
		require.Eventually(t, func() bool {
			said := g.MustCLI("status")
			return !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(said, word) })
		}, time.Minute, 200*time.Millisecond, "status of %s does not say %v", name, words)
	}
}

func letters(t *testing.T, c *kafkatest.Cluster, topic string) int64 {
	t.Helper()
	ends, err := c.Admin(t).ListEndOffsets(t.Context(), topic)
	require.NoError(t, err)
	end, _ := ends.Lookup(topic, 0)
	return end.Offset
}

// aclWorld makes a topic with a good and a bad record, and a dead-letter topic, for each
// mapping, and gives the file.
func aclWorld(t *testing.T, c *kafkatest.Cluster, names []string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "secrets: [{prefix: \"secret:\", from: {dir: .}}]\nclusters: {main: {brokers: [%q], tls: {ca: file:ca.pem}, sasl: {mechanism: SCRAM-SHA-512, secret: secret:login}}}\n"+
		"functions: {f: {http: %q}}\nmappings:\n", c.SASLBrokers()[0], poisoned(t, `{"fine":true}`))
	for _, name := range names {
		c.CreateTopic(t, name, 1, nil)
		c.CreateTopic(t, name+".dead", 1, nil)
		output := ""
		if strings.HasPrefix(name, "exactly") {
			c.CreateTopic(t, name+".out", 1, nil)
			output = ", output: {topic: " + name + ".out, transactional: true}"
		}
		kafkatest.ProduceValues(t, c, name, 0, "poison", "good")
		fmt.Fprintf(&b, "  %s: {function: f, cluster: main, topic: %s, startingPosition: TRIM_HORIZON, batchSize: 1, maximumBatchingWindow: 0s, maximumRetryAttempts: 0, onFailure: \"kafka://%s.dead\"%s}\n", name, name, name, output)
	}
	return b.String()
}
