package secret_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"gantry/secret"
)

func TestFields(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, content string
		want          map[string]string
		fault         string
	}{
		{name: "AWS's document", content: `{"username":"ann","password":"p=1:2","port":9093,"on":true,"more":{"x":1}}`,
			want: map[string]string{"username": "ann", "password": "p=1:2", "port": "9093", "on": "true"}},
		{name: "byte order mark and space", content: "\ufeff \n{\"a\":\"b\"}\n", want: map[string]string{"a": "b"}},
		{name: "properties", content: "# login\nusername=ann\npassword: p=1\\n\r\n!x\n\n", want: map[string]string{"username": "ann", "password": `p=1\n`}},
		{name: "empty", content: " \n", fault: "it is empty"},
		{name: "broken JSON", content: `{"password":"hunter2"`, fault: "no valid JSON document"},
		{name: "two documents", content: `{} hunter2`, fault: "behind its JSON document"},
		{name: "one word", content: "hunter2", fault: "line 1 is no key=value"},
		{name: "no key", content: "a=b\n=hunter2", fault: "line 2 is no key=value"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := secret.NewValue([]byte(c.content)).Fields()
			if c.fault != "" {
				require.ErrorContains(t, err, c.fault)
				require.NotContains(t, err.Error(), "hunter2")
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.want, got)
		})
	}
}

func TestPlainKeepsAllButTheLastLineBreak(t *testing.T) {
	t.Parallel()
	require.Equal(t, " p w\nx ", secret.NewValue([]byte(" p w\nx \r\n")).Plain())
}

// Whatever way a value is printed, its content must not be in what comes out: as it
// is, inside a struct, behind a pointer, as JSON, in both kinds of log.
func TestValueIsNeverPrinted(t *testing.T) {
	t.Parallel()
	const content = "hunter2"
	v := secret.NewValue([]byte(content))
	holder := struct {
		V secret.Value
		P *secret.Value
		v secret.Value
	}{v, &v, v}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%c", "%U", "%p", "%t", "%o"} {
		fmt.Fprintf(&out, verb+"\n", v)
		fmt.Fprintf(&out, verb+"\n", &v)
		fmt.Fprintf(&out, verb+"\n", holder.V)
		fmt.Fprintf(&out, verb+"\n", []secret.Value{v})
		fmt.Fprintf(&out, verb+"\n", holder)
	}
	fmt.Fprintln(&out, v.String(), v.GoString(), fmt.Errorf("x %w", fmt.Errorf("%v", v)))
	encoded, err := json.Marshal(map[string]any{"v": v, "p": &v, "h": holder})
	require.NoError(t, err)
	out.Write(encoded)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "v", v, "h", holder)
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "v", v, "h", holder)

	for _, form := range []string{content, fmt.Sprintf("%x", content), fmt.Sprintf("%X", content),
		fmt.Sprint([]byte(content)), "104 117", "68 75 6e", "aHVudGVyMg"} {
		require.NotContains(t, out.String(), form)
	}
	require.Contains(t, out.String(), "[secret]")
}
