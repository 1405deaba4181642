package schema_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/sr"

	"gantry/mapping"
	"gantry/schema"
)

const (
	money  = `syntax = "proto3"; package shop; message Money { int64 cents = 1; }`
	orders = `syntax = "proto3"; package shop;
		import "shop/money.proto"; import "google/protobuf/timestamp.proto";
		message Other { string name = 1; }
		message Order {
			int64 id = 1; Money price = 2; google.protobuf.Timestamp at = 3; repeated Line lines = 4; map<string, string> tags = 5;
			message Line { string sku = 1; Colour colour = 2; }
			enum Colour { RED = 0; BLUE = 1; }
		}`
)

func TestProtobuf(t *testing.T) {
	t.Parallel()
	fake, client := serve(t)
	_, err := client.CreateSchema(t.Context(), "money", sr.Schema{Type: sr.TypeProtobuf, Schema: money})
	require.NoError(t, err)
	_, err = client.CreateSchema(t.Context(), "orders-value", sr.Schema{
		Type: sr.TypeProtobuf, Schema: orders, References: []sr.SchemaReference{{Name: "shop/money.proto", Subject: "money", Version: 1}},
	})
	require.NoError(t, err)
	r := registry(t, schema.Config{URLs: []string{fake.URL()}})
	e := r.Encoder("orders", schema.Value, mapping.Schema{Format: mapping.Protobuf, Message: "shop.Order"})

	out, err := e.Encode(t.Context(), []byte(`{"id":"9007199254740993","price":{"cents":5},"lines":[{"sku":"a","colour":"BLUE"}],"at":"1970-01-01T00:00:01Z"}`))
	require.NoError(t, err)
	require.Equal(t, "\x00\x00\x00\x00\x02"+"\x02\x02"+ // id 2; an index of one place: the second message
		"\x08\x81\x80\x80\x80\x80\x80\x80\x10"+"\x12\x02\x08\x05"+"\x1a\x02\x08\x01"+"\x22\x05\x0a\x01a\x10\x01", string(out))

	first, err := r.Encoder("orders", schema.Value, mapping.Schema{Format: mapping.Protobuf}).Encode(t.Context(), []byte(`{"name":"n"}`))
	require.NoError(t, err)
	require.Equal(t, "\x00\x00\x00\x00\x02\x00\x0a\x01n", string(first), "the first message is one zero")

	nested, err := r.Encoder("orders", schema.Value, mapping.Schema{Format: mapping.Protobuf, Message: "shop.Order.Line"}).Encode(t.Context(), []byte(`{}`))
	require.NoError(t, err)
	require.Equal(t, "\x00\x00\x00\x00\x02\x04\x02\x00", string(nested))

	for value, field := range map[string]string{
		`{"id":"x"}`: "id", `{"colour":1}`: "colour", `{"lines":[{"sku":5}]}`: "sku", `{"price":5}`: "", `{`: "",
	} {
		_, err := e.Encode(t.Context(), []byte(value))
		var bad *schema.Misfit
		require.ErrorAs(t, err, &bad, value)
		require.Equal(t, field, bad.Field, "%s: %v", value, err)
	}
	_, err = r.Encoder("orders", schema.Value, mapping.Schema{Format: mapping.Protobuf, Message: "Order"}).Encode(t.Context(), []byte(`{}`))
	require.ErrorContains(t, err, "it has no message Order; want a full name, with the package")
}
