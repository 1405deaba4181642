package schemas_test

import (
	"encoding/hex"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/sr"
	"github.com/twmb/franz-go/pkg/sr/srfake"

	"gantry/internal/gantrytest"
	"gantry/mapping"
	"gantry/schema"
)

// cases are one value in each format, and how Confluent's deserializer sees it.
var cases = []struct {
	format string
	kind   sr.SchemaType
	schema string
	value  string
	want   string
}{
	{mapping.Avro, sr.TypeAvro, `{"type":"record","name":"Order","namespace":"shop","fields":[{"name":"id","type":"long"},
		{"name":"note","type":["null","string"],"default":null},{"name":"at","type":{"type":"long","logicalType":"timestamp-millis"}},
		{"name":"price","type":{"type":"bytes","logicalType":"decimal","precision":9,"scale":2}}]}`,
		`{"id":9007199254740993,"note":"hé","at":"2026-01-02T03:04:05Z","price":"-12.50"}`,
		`{"at": "2026-01-02T03:04:05+00:00", "id": "9007199254740993", "note": "h\u00e9", "price": "-12.50"}`},
	{mapping.JSON, sr.TypeJSON, `{"type":"object","title":"Order","properties":{"id":{"type":"integer"}},"required":["id"]}`,
		`{"id": 7, "note": "hé"}`, `{"id": 7, "note": "h\u00e9"}`},
	{mapping.Protobuf, sr.TypeProtobuf, `syntax = "proto3"; package shop; message Other {} message Order { int64 id = 1; string note = 2; double price = 3; }`,
		`{"id":"9007199254740993","note":"hé","price":-12.5}`, `{"id": "9007199254740993", "note": "h\u00e9", "price": -12.5}`},
}

func TestConfluentReads(t *testing.T) {
	t.Parallel()
	python := gantrytest.Kit(t, "venv-schemas", "python")
	fake := srfake.New()
	t.Cleanup(fake.Close)
	client, err := sr.NewClient(sr.URLs(fake.URL()))
	require.NoError(t, err)
	registry, err := schema.New(schema.Options{Entries: map[string]schema.Config{"c": {URLs: []string{fake.URL()}}}}).Of("c")
	require.NoError(t, err)
	var lines, want []string
	for _, c := range cases {
		_, err := client.CreateSchema(t.Context(), c.format+"-value", sr.Schema{Type: c.kind, Schema: c.schema})
		require.NoError(t, err)
		use := mapping.Schema{Format: c.format}
		if c.format == mapping.Protobuf {
			use.Message = "shop.Order"
		}
		out, err := registry.Encoder(c.format, schema.Value, use).Encode(t.Context(), []byte(c.value))
		require.NoError(t, err)
		lines, want = append(lines, c.format+" "+hex.EncodeToString(out)), append(want, c.want)
	}
	cmd := exec.CommandContext(t.Context(), python, "testdata/read.py", fake.URL())
	cmd.Stdin = strings.NewReader(strings.Join(lines, "\n"))
	var said strings.Builder
	cmd.Stderr = &said
	read, err := cmd.Output()
	require.NoError(t, err, said.String())
	require.Equal(t, strings.Join(want, "\n")+"\n", string(read))
}
