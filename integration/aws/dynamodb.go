package aws

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"gantry/cloud/call"
	"gantry/sink"
)

// A request of DynamoDB: 25 puts and deletes, each of another item, and 16 MB (DynamoDB
// API reference, BatchWriteItem).
var dynamoDBLimits = limits{entries: 25, bytes: 16_000_000}

const dynamoDBExample = `clusters:
  onprem: { brokers: ["kafka-1:9092"] }
functions:
  orders-to-table:
    integration: dynamodb
    settings: { table: orders, keys: id, write: newest }
    timeout: 30s
mappings:
  orders-to-table: { function: orders-to-table, cluster: onprem, topic: orders, batchSize: 500, startingPosition: TRIM_HORIZON }
`

func dynamoDBSpec() sink.Spec {
	return sink.Spec{
		Name: "dynamodb", Title: "Amazon DynamoDB", About: "Puts each record as an item into a table, and deletes the item of a tombstone.",
		Settings: common([]sink.Setting{
			{Name: "table", Required: true, About: "name or ARN of the table", Example: "orders"},
			{Name: "keys", Required: true, About: "the table's key attributes: the partition key, and the sort key where it has one", Example: "customer,order", Check: checkKeys},
			{Name: "item", About: "the item as a JSON object, a template; left out, the record's value. Key attributes it lacks come from the record's key: the members of a JSON object, or the whole key where there is one attribute", Check: sink.CheckTemplate},
			{Name: "write", Default: "replace", Values: []string{"replace", "newest"},
				About: "replace: in batches, the last write stays; newest: one by one, and only where the item there is older by the attribute version, so that a record that comes again never undoes a later one"},
			{Name: "version", Default: "kafkaOffset", About: "of write: newest: the attribute that orders the versions of an item, a number; kafkaOffset is put there, any other is the item's own"},
			{Name: "tombstones", About: "records without a value: delete the item, mark it (attribute deleted: true, which keeps its version), or skip", Default: "delete", Values: []string{"delete", "mark", "skip"}},
		}, "4"),
		Policy: func(s sink.Settings) []sink.Statement {
			return []sink.Statement{sink.Allow(streamARN("dynamodb", "table/", s["table"], s["region"]), dynamoDBActions(s)...)}
		},
		Limits: "25 items and 16 MB a request with write: replace; one item a request with newest. An item has up to 400 KB.",
		Repeats: "A put that comes again puts the same item. With write: replace a record that comes again undoes what a later one of its item wrote, until that comes again as well, in order. " +
			"With newest it does not, except after a deletion, which leaves no version behind: tombstones: mark closes that too. An item's version by kafkaOffset holds while its key stays in its partition.",
		Example: dynamoDBExample, Valid: validDynamoDB, New: openDynamoDB,
	}
}

func dynamoDBActions(s sink.Settings) []string {
	if s["write"] == "newest" {
		return []string{"dynamodb:PutItem", "dynamodb:DeleteItem"}
	}
	return []string{"dynamodb:BatchWriteItem"}
}

func checkKeys(value string) error {
	if n := len((sink.Settings{"": value}).List("")); n < 1 || n > 2 {
		return fmt.Errorf("names %d attributes, a table's key has 1 or 2", n)
	}
	return nil
}

func validDynamoDB(s sink.Settings) []error {
	if s["write"] != "newest" && s["version"] != "kafkaOffset" {
		return []error{errors.New("version: goes with write: newest")}
	}
	if s["write"] == "newest" && s["version"] != "kafkaOffset" && s["tombstones"] == "delete" {
		return []error{errors.New("tombstones: delete has no version but kafkaOffset: leave version out, or choose skip")}
	}
	if s["version"] != "kafkaOffset" && s["tombstones"] == "mark" {
		return []error{errors.New("tombstones: mark has no version but kafkaOffset: leave version out, or choose skip")}
	}
	return nil
}

func openDynamoDB(s sink.Settings, d sink.Deps) (sink.Sink, error) {
	t := &dynamoDB{table: s["table"], keys: s.List("keys"), version: s["version"], tombstones: s["tombstones"], newest: s["write"] == "newest"}
	if s["item"] != "" {
		var err error
		if t.item, err = sink.ParseTemplate(s["item"]); err != nil {
			return nil, err
		}
	}
	b := &batcher{service: bundled("dynamodb", t.table, s, d), limits: dynamoDBLimits, entry: t.entry, send: t.sendBatch}
	if t.newest {
		b.limits, b.send = limits{1, 0}, t.sendNewest
	}
	return b, nil
}

type dynamoDB struct {
	table, version, tombstones string
	keys                       []string
	newest                     bool
	item                       *sink.Template // nil = the value
}

// entry is a write of an item. Its lane is the item: a request may hold each once.
func (t *dynamoDB) entry(r *sink.Record) (*entry, error) {
	if r.Value == nil && t.tombstones == "skip" {
		return nil, errSkip
	}
	item, err := t.content(r)
	if err != nil {
		return nil, err
	}
	key, err := t.keyOf(r, item)
	if err != nil {
		return nil, err
	}
	write := map[string]any{"DeleteRequest": map[string]any{"Key": key}}
	if item != nil {
		write = map[string]any{"PutRequest": map[string]any{"Item": item}}
	}
	body, err := json.Marshal(write)
	if err != nil {
		return nil, refused("it is no item: %v", err)
	}
	return &entry{lane: laneOfKey(key, t.keys), size: len(body), body: write}, nil
}

// content is the item of a record, without the key attributes it lacks; nil = delete.
func (t *dynamoDB) content(r *sink.Record) (map[string]any, error) {
	var item map[string]any
	if r.Value == nil && t.tombstones == "delete" {
		return nil, nil
	}
	if r.Value == nil {
		item = map[string]any{"deleted": map[string]any{"BOOL": true}}
	} else {
		doc := sink.Value(r.Value)
		if t.item != nil {
			filled, err := t.item.Fill(r)
			if err != nil {
				return nil, err
			}
			doc = sink.Value([]byte(filled))
		}
		object, ok := doc.(map[string]any)
		if !ok {
			return nil, refused("it is no JSON object, as an item is; give an item")
		}
		item = attributes(object)
	}
	if t.newest && t.version == "kafkaOffset" {
		item[t.version] = map[string]any{"N": fmt.Sprint(r.Offset)}
	}
	return item, nil
}

// keyOf is the key of the item of a record; what the item lacks of it is put in.
func (t *dynamoDB) keyOf(r *sink.Record, item map[string]any) (map[string]any, error) {
	own, _ := sink.Value(r.Key).(map[string]any)
	key := map[string]any{}
	var missing []string
	for _, name := range t.keys {
		switch {
		case item[name] != nil:
			key[name] = item[name]
		case own[name] != nil:
			key[name] = attribute(own[name])
		case own == nil && len(t.keys) == 1 && len(r.Key) > 0:
			key[name] = map[string]any{"S": string(r.Key)}
		default:
			missing = append(missing, name)
		}
		if item != nil {
			item[name] = key[name]
		}
	}
	if len(missing) > 0 {
		return nil, refused("the key attribute %s is neither in the item nor in the record's key", strings.Join(missing, " and "))
	}
	return key, nil
}

// laneOfKey is a text that stands for an item.
func laneOfKey(key map[string]any, names []string) string {
	var b strings.Builder
	for _, name := range names {
		text, err := json.Marshal(key[name])
		if err != nil {
			return "" // it came from JSON
		}
		b.Write(text)
		b.WriteByte(0)
	}
	return b.String()
}

func attributes(object map[string]any) map[string]any {
	out := map[string]any{}
	for name, v := range object {
		out[name] = attribute(v)
	}
	return out
}

// attribute gives a value of JSON in DynamoDB's form.
func attribute(v any) map[string]any {
	switch x := v.(type) {
	case nil:
		return map[string]any{"NULL": true}
	case bool:
		return map[string]any{"BOOL": x}
	case string:
		return map[string]any{"S": x}
	case []any:
		list := make([]any, len(x))
		for n, one := range x {
			list[n] = attribute(one)
		}
		return map[string]any{"L": list}
	case map[string]any:
		return map[string]any{"M": attributes(x)}
	default:
		return map[string]any{"N": fmt.Sprint(x)} // json.Number keeps its digits
	}
}

// sendBatch writes items in one request. What DynamoDB did not process it names by the
// request itself.
func (t *dynamoDB) sendBatch(ctx context.Context, c *call.Client, list []*entry) []error {
	out, err := c.Call(ctx, call.Request{Operation: "BatchWriteItem", Input: map[string]any{"RequestItems": map[string]any{t.table: bodies(list)}}})
	if err != nil {
		return each(list, faultOf(err))
	}
	left := map[string]bool{}
	unprocessed, _ := out.Output["UnprocessedItems"].(map[string]any)
	for _, requests := range unprocessed {
		for _, one := range objects(requests) {
			left[t.laneOfWrite(one)] = true
		}
	}
	errs := make([]error, len(list))
	for n, e := range list {
		if left[e.lane] {
			errs[n] = &sink.Fault{Cause: sink.Busy, Err: errors.New("DynamoDB did not process it: the table's capacity is used up")}
			delete(left, e.lane)
		}
	}
	if len(left) > 0 {
		return each(list, &sink.Fault{Cause: sink.Failed, Err: errors.New("DynamoDB names items as unprocessed that were not sent")})
	}
	return errs
}

func (t *dynamoDB) laneOfWrite(write map[string]any) string {
	for _, of := range [][2]string{{"PutRequest", "Item"}, {"DeleteRequest", "Key"}} {
		if request, ok := write[of[0]].(map[string]any); ok {
			item, _ := request[of[1]].(map[string]any)
			return laneOfKey(item, t.keys)
		}
	}
	return ""
}

// sendNewest writes an item unless a newer one is there, which is as good.
func (t *dynamoDB) sendNewest(ctx context.Context, c *call.Client, list []*entry) []error {
	e := list[0]
	operation, input := "DeleteItem", map[string]any{}
	var version any = map[string]any{"N": fmt.Sprint(e.record.Offset)}
	if put, ok := e.body["PutRequest"].(map[string]any); ok {
		operation, input["Item"] = "PutItem", put["Item"]
		version = put["Item"].(map[string]any)[t.version]
	} else {
		input["Key"] = e.body["DeleteRequest"].(map[string]any)["Key"]
	}
	if version == nil {
		return []error{refused("the item has no attribute %s, its version", t.version)}
	}
	input["TableName"] = t.table
	input["ConditionExpression"] = "attribute_not_exists(#v) OR #v < :v"
	input["ExpressionAttributeNames"] = map[string]any{"#v": t.version}
	input["ExpressionAttributeValues"] = map[string]any{":v": version}
	_, err := c.Call(ctx, call.Request{Operation: operation, Input: input})
	if call.Code(err) == "ConditionalCheckFailedException" {
		return []error{nil}
	}
	return []error{faultOf(err)}
}
