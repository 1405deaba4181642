package mask_test

import (
	"bytes"
	"errors"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"gantry/record"
	"gantry/telemetry/mask"
)

func TestRecordsAreMasked(t *testing.T) {
	t.Parallel()
	m := mask.New(mask.Config{
		{Pattern: `\b\d{16}\b`}, {Field: "customer.name"}, {Field: "lines.*.price", Topics: []string{"orders"}},
		{Header: "Authorization"}, {Header: "x-user", Topics: []string{"other"}},
	})
	value := []byte(`{"customer":{"name":"Ada","id":12345678901234567},"card":"4111111111111111","lines":[{"a":{"price":1}},{"b":{"price":2}}]}`)
	before := bytes.Clone(value)
	r := record.Record{Key: []byte("k-4111111111111111"), Value: value, Headers: []record.Header{
		{Key: "authorization", Value: []byte("Bearer x")}, {Key: "x-user", Value: []byte("u")},
	}}
	shown := r
	m.Record("orders", &shown)
	require.Equal(t, "k-***", string(shown.Key))
	require.Equal(t, `{"card":"***","customer":{"id":12345678901234567,"name":"***"},"lines":[{"a":{"price":"***"}},{"b":{"price":"***"}}]}`, string(shown.Value))
	require.Equal(t, "***", string(shown.Headers[0].Value))
	require.Equal(t, "u", string(shown.Headers[1].Value))
	require.Equal(t, before, value, "the record itself stays as it is")
	require.Equal(t, "Bearer x", string(r.Headers[0].Value))

	binary := record.Record{Value: []byte("\x00Ada{")}
	m.Record("orders", &binary)
	require.Equal(t, "***", string(binary.Value), "where the field can't be found all of it is hidden")
	tombstone := record.Record{}
	m.Record("orders", &tombstone)
	require.Nil(t, tombstone.Value)
}

func TestTheLogIsMasked(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	m := mask.New(mask.Config{{Pattern: `geheim\d*`}})
	log := slog.New(m.Handler(slog.NewJSONHandler(&out, nil))).With("a", "geheim1").WithGroup("g")
	log.Warn("geheim2", "b", errors.New("no geheim3"), slog.Group("c", "d", "geheim4"), "n", 5)
	require.NotContains(t, out.String(), "geheim")
	require.Contains(t, out.String(), `"n":5`)
	var none *mask.Mask
	require.Equal(t, "x", none.Text("x"))
}

func TestFaultsOfRules(t *testing.T) {
	t.Parallel()
	for says, r := range map[string]mask.Rule{
		"exactly one": {}, "missing closing": {Pattern: "("}, "empty text": {Pattern: "x*"}, "empty name": {Field: "a..b"},
		"not for topics": {Pattern: "x", Topics: []string{"t"}},
	} {
		require.ErrorContains(t, r.Validate(), says)
	}
	require.NoError(t, mask.Rule{Field: "a.b"}.Validate())
}
