package kafka

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "rewrite what becomes of each client file")

// TestClientFiles reads files as Kafka's own pages and vendors tell their users to write
// them, and some with every fault one can think of. What becomes of each stands beside it.
func TestClientFiles(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/clients/*.properties")
	require.NoError(t, err)
	require.Greater(t, len(files), 20)
	for _, file := range files {
		if strings.HasSuffix(file, "/secrets.properties") {
			continue
		}
		t.Run(strings.TrimSuffix(filepath.Base(file), ".properties"), func(t *testing.T) {
			t.Parallel()
			c, err := FromProperties(file, func(name string) (string, bool) { return "broker:9093", name == "BROKERS" })
			said := outcome(t, c, err)
			require.NotContains(t, said, "hunter2")
			if strings.Contains(file, "/faults-") {
				require.Error(t, err)
			} else {
				require.NoError(t, err)
				require.NoError(t, c.Validate())
			}
			want := strings.TrimSuffix(file, ".properties") + ".want"
			if *update {
				require.NoError(t, os.WriteFile(want, []byte(said), 0o644))
			}
			text, err := os.ReadFile(want)
			require.NoError(t, err)
			require.Equal(t, string(text), said)
		})
	}
}

// outcome is what became of a file, as text.
func outcome(t *testing.T, c Config, err error) string {
	var b strings.Builder
	if err != nil {
		return err.Error() + "\n"
	}
	fmt.Fprintf(&b, "brokers %s, allowPlaintext %t, clientId %q\n", strings.Join(c.Brokers, " "), c.AllowPlaintext, c.ClientID)
	if c.TLS != nil {
		fmt.Fprintln(&b, "tls"+given(*c.TLS))
	}
	if c.SASL != nil {
		fmt.Fprintln(&b, "sasl"+given(*c.SASL))
	}
	materials, err := c.Materials()
	require.NoError(t, err)
	for _, m := range materials {
		text := m.Text
		if first, _, more := strings.Cut(text, "\n"); more {
			text = fmt.Sprintf("%s … (%d blocks)", first, strings.Count(text, "-----BEGIN"))
		}
		fmt.Fprintf(&b, "%s (%s, %s): %s%v\n", m.Ref, m.What, m.File, text, m.Fields)
	}
	for _, n := range c.Notes() {
		fmt.Fprintf(&b, "line %d: %s ignored: %s\n", n.Line, n.Key, n.Why)
	}
	return b.String()
}

// given are the members of a struct that are not zero.
func given(section any) string {
	var b strings.Builder
	v := reflect.ValueOf(section)
	for i := range v.NumField() {
		switch f := v.Field(i); {
		case f.IsZero():
		case f.Kind() == reflect.Pointer:
			fmt.Fprintf(&b, " %s {%s}", v.Type().Field(i).Name, strings.TrimSpace(given(f.Elem().Interface())))
		default:
			fmt.Fprintf(&b, " %s=%v", v.Type().Field(i).Name, f)
		}
	}
	return b.String()
}
