package row

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzScanner holds the walk over JSON against encoding/json: the same texts are objects,
// with the same members in them.
func FuzzScanner(f *testing.F) {
	for _, text := range []string{`{}`, `{"a":1,"b":[{"c":null}],"d":"\u00fc\"x"}`, ` { "a" : -0.5e+7 } `, `{"a":01}`, `{"a":"` + "\x01" + `"}`, `{"a":1,}`, `{"a"}`, `[1]`, `{"a":tru}`, `{"a":1}x`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got := map[string]json.RawMessage{}
		err := object(text, func(name, value []byte) error {
			got[string(unquote(name))] = value
			return nil
		})
		var want map[string]json.RawMessage
		wrong := json.Unmarshal(text, &want)
		if want == nil && wrong == nil {
			return // null
		}
		require.Equal(t, wrong == nil, err == nil, "%v / %v", wrong, err)
		if err == nil {
			require.Equal(t, want, got)
		}
	})
}

func TestScaledDecimals(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		bytes []byte
		scale int
		want  string
	}{{[]byte{0xfe, 0x18}, 2, "-4.88"}, {[]byte{0}, 3, "0.000"}, {[]byte{1}, 0, "1"}, {[]byte{5}, -2, "500"}, {[]byte{0xff}, 4, "-0.0001"}} {
		require.Equal(t, c.want, string(scaled(c.bytes, c.scale)))
	}
}
