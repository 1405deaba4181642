package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"gantry/function"
	"gantry/mapping"
	"gantry/pipeline/encode"
	"gantry/record"
)

// The example that an event speaks of where it is not told.
const (
	exampleValue   = `{"id":1,"total":101}`
	exampleBrokers = "broker1.example:9092,broker2.example:9092"
	exampleARN     = "arn:aws:kafka:eu-west-1:123456789012:cluster/example/11111111-2222-3333-4444-555555555555-1"
)

// eventSources are what --source takes.
var eventSources = map[string]encode.Envelope{
	"self-managed": {EventSource: mapping.SelfManagedType, Bootstrap: exampleBrokers},
	"msk":          {EventSource: mapping.MSKType, EventSourceARN: exampleARN, Bootstrap: exampleBrokers},
}

// eventFlags describe the records of an event.
type eventFlags struct {
	source    string
	topic     string
	partition int32
	offset    int64
	key       string
	keyed     bool // --key is given: an empty key is not a missing one
	values    []string
	file      string
	headers   []string
	timestamp string
}

func (a *app) generateEventCommand() *cobra.Command {
	var f eventFlags
	c := &cobra.Command{
		Use: "generate-event", Short: "Print the event a function gets for records you describe",
		Long: `Generate-event prints AWS Lambda's Kafka event for records you describe, byte for byte
as a mapping sends it, to try a function with. It needs no running gantry. Each --value, or
each line of --values, is a record; offsets count up from --offset; key, headers and
timestamp are those of every record. Without values it is one example record. The brokers
and the ARN it names are examples. -o json prints the same event indented.`,
		Example: `  gantry generate-event --topic orders --key customer-7 --value '{"id":1}' | gantry invoke order-validate --event -
  gantry generate-event --source msk --partition 3 --offset 1234 --values orders.jsonl > event.json
  gantry generate-event --header trace=abc --timestamp 2026-11-23T03:00:00Z -o json`,
		Args: args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			f.keyed = c.Flags().Changed("key")
			return a.generateEvent(c, f)
		},
	}
	c.Flags().StringVar(&f.source, "source", "self-managed", "kind of cluster: self-managed or msk")
	c.Flags().StringVar(&f.topic, "topic", "orders", "topic of the records")
	c.Flags().Int32Var(&f.partition, "partition", 0, "partition of the records")
	c.Flags().Int64Var(&f.offset, "offset", 0, "offset of the first record")
	c.Flags().StringVar(&f.key, "key", "", "key of the records (default none, Kafka's null)")
	c.Flags().StringArrayVar(&f.values, "value", nil, "value of a record; may be given again")
	c.Flags().StringVar(&f.file, "values", "", "file with one value a line; - is standard input")
	c.Flags().StringArrayVar(&f.headers, "header", nil, "header of the records, name=value; may be given again")
	c.Flags().StringVar(&f.timestamp, "timestamp", "", "time of the records, such as 2026-11-23T03:00:00Z, or milliseconds since 1970 (default now)")
	return c
}

func (a *app) generateEvent(c *cobra.Command, f eventFlags) error {
	one, err := f.read(time.Now())
	if err != nil {
		return usage(c, err)
	}
	if f.file != "" {
		if f.values, err = a.lines(nil, f.file); err != nil {
			return fmt.Errorf("read the values: %w", err)
		} else if len(f.values) == 0 {
			return fmt.Errorf("--values %s: there is no line in it, so there is no record", f.file)
		}
	} else if len(f.values) == 0 {
		f.values = []string{exampleValue}
	}
	if f.offset > math.MaxInt64-int64(len(f.values)) {
		return usage(c, fmt.Errorf("--offset %d: leaves no offsets for %s", f.offset, records(int64(len(f.values)))))
	}
	event := f.event(one)
	if len(event) > function.MaxPayload {
		fmt.Fprintf(a.Err, "gantry: the event has %d bytes, over the limit of %d: a mapping sends none of this size, and functions take none\n", len(event), function.MaxPayload)
	}
	if a.output == "json" {
		return a.show(json.RawMessage(event), nil)
	}
	_, err = fmt.Fprintf(a.Out, "%s\n", event)
	return err
}

// eventTopic is what Kafka takes as the name of a topic.
var eventTopic = regexp.MustCompile(`^[a-zA-Z0-9._-]{1,249}$`)

// read gives what all records have in common, or every fault of the flags.
func (f *eventFlags) read(now time.Time) (record.Record, error) {
	one := record.Record{Offset: f.offset, Timestamp: now.UnixMilli()}
	var errs []error
	if _, ok := eventSources[f.source]; !ok {
		errs = append(errs, fmt.Errorf("--source %q: want self-managed or msk", f.source))
	}
	if !eventTopic.MatchString(f.topic) {
		errs = append(errs, fmt.Errorf("--topic %q: want 1 to 249 of the characters a-z, A-Z, 0-9, '.', '_' and '-'", f.topic))
	}
	if f.partition < 0 {
		errs = append(errs, fmt.Errorf("--partition %d: want 0 or more", f.partition))
	}
	if f.offset < 0 {
		errs = append(errs, fmt.Errorf("--offset %d: want 0 or more", f.offset))
	}
	if len(f.values) > 0 && f.file != "" {
		errs = append(errs, errors.New("--values: is given beside --value; want one of them"))
	}
	if f.keyed {
		one.Key = []byte(f.key)
	}
	for _, h := range f.headers {
		name, value, ok := strings.Cut(h, "=")
		if !ok || name == "" {
			errs = append(errs, fmt.Errorf("--header %q: want name=value", h))
		}
		one.Headers = append(one.Headers, record.Header{Key: name, Value: []byte(value)})
	}
	if f.timestamp != "" {
		at, err := milliseconds(f.timestamp)
		if err != nil {
			errs = append(errs, err)
		}
		one.Timestamp = at
	}
	return one, errors.Join(errs...)
}

// milliseconds reads --timestamp.
func milliseconds(word string) (int64, error) {
	if n, err := strconv.ParseInt(word, 10, 64); err == nil && n >= 0 {
		return n, nil
	}
	at, err := time.Parse(time.RFC3339, word)
	if err != nil {
		return 0, fmt.Errorf("--timestamp %q: want a time such as 2026-11-23T03:00:00Z, or milliseconds since 1970", word)
	}
	return at.UnixMilli(), nil
}

// event is made by what makes the events of mappings.
func (f *eventFlags) event(one record.Record) []byte {
	part := record.Part{Lane: record.Lane{Topic: f.topic, Partition: f.partition}}
	for i, value := range f.values {
		r := one
		r.Offset, r.Value = f.offset+int64(i), []byte(value)
		part.Records = append(part.Records, r)
	}
	return encode.New(eventSources[f.source]).Append(nil, &record.Batch{Parts: []record.Part{part}})
}
