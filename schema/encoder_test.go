package schema_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/avro"
	"github.com/twmb/franz-go/pkg/sr"
	"github.com/twmb/franz-go/pkg/sr/srfake"

	"gantry/mapping"
	"gantry/schema"
)

const order = `{"type":"record","name":"Order","namespace":"shop","fields":[
	{"name":"id","type":"long"},
	{"name":"note","type":["null","string"],"default":null},
	{"name":"at","type":["null",{"type":"long","logicalType":"timestamp-millis"}],"default":null},
	{"name":"price","type":{"type":"bytes","logicalType":"decimal","precision":9,"scale":2},"default":""},
	{"name":"raw","type":"bytes","default":""},
	{"name":"lines","type":{"type":"array","items":{"type":"record","name":"Line","fields":[{"name":"sku","type":"string"},{"name":"count","type":"int"}]}},"default":[]},
	{"name":"tags","type":{"type":"map","values":"string"},"default":{}}]}`

type secrets map[string]string

func (s secrets) Plain(_ context.Context, ref string) (string, error) { return s[ref], nil }
func (s secrets) Forget(string)                                       {}
func (s secrets) Fields(_ context.Context, ref string) (map[string]string, error) {
	var fields map[string]string
	return fields, json.Unmarshal([]byte(s[ref]), &fields)
}

// registry gives a registry at a URL, as a configuration would.
func registry(t *testing.T, c schema.Config) *schema.Registry {
	t.Helper()
	require.NoError(t, c.Validate())
	all := schema.New(schema.Options{Entries: map[string]schema.Config{"onprem": c}, Secrets: secrets{"secret:r": `{"username":"u","password":"p4ssword"}`}})
	r, err := all.Of("onprem")
	require.NoError(t, err)
	return r
}

func serve(t *testing.T, options ...srfake.Option) (*srfake.Registry, *sr.Client) {
	t.Helper()
	fake := srfake.New(options...)
	t.Cleanup(fake.Close)
	client, err := sr.NewClient(sr.URLs(fake.URL()), sr.BasicAuth("u", "p4ssword"))
	require.NoError(t, err)
	return fake, client
}

func TestAvro(t *testing.T) {
	t.Parallel()
	fake, client := serve(t)
	made, err := client.CreateSchema(t.Context(), "orders-value", sr.Schema{Schema: order})
	require.NoError(t, err)
	e := registry(t, schema.Config{URLs: []string{fake.URL()}}).Encoder("orders", schema.Value, mapping.Schema{Format: mapping.Avro})

	out, err := e.Encode(t.Context(), []byte(`{"id":9007199254740993,"note":"hé","at":"2026-01-01T00:00:00Z","price":"12.50","raw":"\u0000\u00ff",
		"lines":[{"sku":"a","count":2}],"tags":{"any":"name"}}`))
	require.NoError(t, err)
	id, body, err := new(sr.ConfluentHeader).DecodeID(out)
	require.NoError(t, err)
	require.Equal(t, made.ID, id)
	var back map[string]any
	rest, err := avro.MustParse(order).Decode(body, &back)
	require.NoError(t, err)
	require.Empty(t, rest)
	require.Equal(t, int64(9007199254740993), back["id"], "no number is rounded on its way")
	require.Equal(t, []byte{0, 255}, back["raw"])

	for value, want := range map[string][2]string{
		`{"id":"one"}`: {"id", "cannot use string with Avro type long"},
		`{}`:           {"id", "missing key"},
		`{"id":1.5}`:   {"id", "not a whole number"},
		`{"id":1,"lines":[{"sku":"a","count":2},{"sku":"b","count":3,"colour":"red"}]}`: {"lines[1].colour", "the schema has no such field"},
		`{"id":1,"lines":[{"sku":"a","count":3000000000}]}`:                             {"lines.count", "overflows int32"},
		`{"id":1,"raw":"\u0100"}`:  {"raw", "is no byte"},
		`{"id":1,"price":"1.234"}`: {"price", "without rounding"},
		`[1]`:                      {"", "cannot use []any with Avro type record"},
		`{"id":1`:                  {"", "it is no JSON"},
		`{"id":1} {}`:              {"", "something behind"},
	} {
		_, err := e.Encode(t.Context(), []byte(value))
		var bad *schema.Misfit
		require.ErrorAs(t, err, &bad, value)
		require.Equal(t, want[0], bad.Field, "%s: %v", value, err)
		require.Contains(t, bad.Reason, want[1], value)
		require.Contains(t, err.Error(), "schema orders-value version 1", value)
	}
}

func TestAvroReferences(t *testing.T) {
	t.Parallel()
	fake, client := serve(t)
	_, err := client.CreateSchema(t.Context(), "line", sr.Schema{Schema: `{"type":"record","name":"shop.Line","fields":[{"name":"sku","type":"string"}]}`})
	require.NoError(t, err)
	_, err = client.CreateSchema(t.Context(), "orders-value", sr.Schema{
		Schema:     `{"type":"record","name":"shop.Order","fields":[{"name":"line","type":"shop.Line"}]}`,
		References: []sr.SchemaReference{{Name: "shop.Line", Subject: "line", Version: 1}},
	})
	require.NoError(t, err)
	e := registry(t, schema.Config{URLs: []string{fake.URL()}}).Encoder("orders", schema.Value, mapping.Schema{Format: mapping.Avro})
	out, err := e.Encode(t.Context(), []byte(`{"line":{"sku":"x"}}`))
	require.NoError(t, err)
	require.Equal(t, "\x02x", string(out[5:]))
}

func TestJSON(t *testing.T) {
	t.Parallel()
	fake, client := serve(t)
	_, err := client.CreateSchema(t.Context(), "orders-value", sr.Schema{Type: sr.TypeJSON, Schema: `{"type":"object","required":["id"],
		"properties":{"id":{"type":"integer"},"lines":{"type":"array","items":{"properties":{"count":{"minimum":1}}}}}}`})
	require.NoError(t, err)
	e := registry(t, schema.Config{URLs: []string{fake.URL()}}).Encoder("orders", schema.Value, mapping.Schema{Format: mapping.JSON})
	out, err := e.Encode(t.Context(), []byte(`{ "id": 12345678901234567890 }`))
	require.NoError(t, err)
	require.Equal(t, "\x00\x00\x00\x00\x01"+`{"id":12345678901234567890}`, string(out))
	for value, want := range map[string][2]string{
		`{}`:                                {"", "missing property 'id'"},
		`{"id":"x"}`:                        {"id", "got string, want integer"},
		`{"id":1,"lines":[{},{"count":0}]}`: {"lines.1.count", "minimum: got 0, want 1"},
		`{"id":1`:                           {"", "it is no JSON: unexpected EOF"},
	} {
		_, err := e.Encode(t.Context(), []byte(value))
		var bad *schema.Misfit
		require.ErrorAs(t, err, &bad, value)
		require.Equal(t, want, [2]string{bad.Field, bad.Reason}, value)
	}
}

// What the registry can't give is no misfit: the records wait.
func TestRegistryErrors(t *testing.T) {
	t.Parallel()
	fake, client := serve(t, srfake.WithAuth("Basic dTpwNHNzd29yZA=="))
	_, err := client.CreateSchema(t.Context(), "orders-value", sr.Schema{Schema: order})
	require.NoError(t, err)
	fails := func(c schema.Config, want mapping.Schema, text string) {
		t.Helper()
		_, err := registry(t, c).Encoder("orders", schema.Value, want).Encode(t.Context(), []byte(`{"id":1}`))
		var bad *schema.Misfit
		require.False(t, errors.As(err, &bad), "%v", err)
		require.ErrorContains(t, err, text)
		require.NotContains(t, err.Error(), "p4ssword")
	}
	in := schema.Config{URLs: []string{fake.URL()}, Secret: "secret:r"}
	fails(schema.Config{URLs: []string{fake.URL()}}, mapping.Schema{Format: mapping.Avro}, "check the login of schemaRegistry")
	fails(schema.Config{URLs: []string{"http://127.0.0.1:1"}}, mapping.Schema{Format: mapping.Avro}, "reachable from here?")
	fails(in, mapping.Schema{Format: mapping.Avro, Subject: "others"}, "register the schema")
	fails(in, mapping.Schema{Format: mapping.JSON}, "it is AVRO, and output.schema says JSON")
	fails(in, mapping.Schema{Format: mapping.Avro, Version: 7}, "look up schema orders-value")
}

// A schema in a file is registered where the registry does not have it, once; a changed
// file is the next version, and one that the registry refuses leaves everything as it was.
func TestRegister(t *testing.T) {
	t.Parallel()
	fake, client := serve(t)
	r := registry(t, schema.Config{URLs: []string{fake.URL()}})
	file := t.TempDir() + "/order.avsc"
	with := func(fields string) *schema.Encoder {
		text := `{"type":"record","name":"Order","fields":[{"name":"sku","type":"string"}` + fields + `]}`
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		return r.Encoder("orders", schema.Value, mapping.Schema{Format: mapping.Avro, File: file, Register: true})
	}
	encode := func(e *schema.Encoder, value string) string {
		out, err := e.Encode(t.Context(), []byte(value))
		require.NoError(t, err)
		return string(out)
	}
	versions := func() []int {
		have, err := client.SubjectVersions(t.Context(), "orders-value")
		require.NoError(t, err)
		return have
	}
	require.Equal(t, "\x00\x00\x00\x00\x01\x02x", encode(with(""), `{"sku":"x"}`))
	require.Equal(t, "\x00\x00\x00\x00\x01\x02y", encode(with(""), `{"sku":"y"}`))
	require.Equal(t, []int{1}, versions(), "what is there is not registered again")
	require.Equal(t, "\x00\x00\x00\x00\x02\x02x\x00", encode(with(`,{"name":"note","type":["null","string"],"default":null}`), `{"sku":"x"}`))
	require.Equal(t, []int{1, 2}, versions())

	fake.Intercept(func(w http.ResponseWriter, r *http.Request) bool { // a registry with a rule: the fake one keeps none
		if r.Method != http.MethodPost || !strings.HasSuffix(r.URL.Path, "/versions") {
			return false
		}
		w.WriteHeader(http.StatusConflict)
		_, _ = w.Write([]byte(`{"error_code":409,"message":"READER_FIELD_MISSING_DEFAULT_VALUE: count"}`))
		return true
	})
	_, err := with(`,{"name":"count","type":"int"}`).Encode(t.Context(), []byte(`{"sku":"x","count":1}`))
	var bad *schema.Misfit
	require.False(t, errors.As(err, &bad), "the records wait")
	for _, text := range []string{"register the schema of " + file + " under orders-value", "HTTP 409", "READER_FIELD_MISSING_DEFAULT_VALUE: count", "the subject's compatibility rule refuses this schema"} {
		require.ErrorContains(t, err, text)
	}
	require.Equal(t, []int{1, 2}, versions())
}
