package e2e_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"gantry/internal/gantrytest"
	"gantry/internal/kafkatest"
)

// The guide's first mapping, as it is written there: a reader's first minutes.
func TestTheGuidesFirstMapping(t *testing.T) {
	t.Parallel()
	if !has("python3", "--version") {
		t.Skip("python3 is not here")
	}
	c, topic, dir := kafkatest.Shared(t), kafkatest.Topic(t), t.TempDir()
	c.CreateTopic(t, topic, 1, nil)
	kafkatest.Produce(t, c, &kgo.Record{Topic: topic, Value: []byte("first")}, &kgo.Record{Topic: topic, Key: []byte("k")})
	guide, err := os.ReadFile("../../docs/guide.md")
	require.NoError(t, err)
	writeFile(t, filepath.Join(dir, "hello", "app.py"), block(t, string(guide), "python"))
	config := strings.NewReplacer("localhost:9092", c.Brokers()[0], "topic: orders", "topic: "+topic).Replace(block(t, string(guide), "yaml"))
	g := gantrytest.Start(t, gantrytest.Options{Dir: dir, Config: config})
	awaitFunction(t, g, "hello")
	settles(t, c, "gantry.orders-to-hello", topic)
	g.MustCLI("wait", "orders-to-hello", "--settled")
	logs := g.MustCLI("logs", "hello")
	require.Contains(t, logs, "b'first'")
	require.Contains(t, logs, "b''")
}

// block gives the first code block of a language.
func block(t *testing.T, page, language string) string {
	_, rest, found := strings.Cut(page, "```"+language+"\n")
	require.True(t, found, language)
	text, _, _ := strings.Cut(rest, "```")
	return text
}
