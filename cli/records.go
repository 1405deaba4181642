package cli

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/cobra"
)

func (a *app) recordsCommand() *cobra.Command {
	c := &cobra.Command{Use: "records", Short: "Look at records of a mapping's topic",
		Example: "  gantry records show orders-to-validate --partition 3 --offset 1234", Args: args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	c.AddCommand(a.recordsShowCommand())
	return c
}

// recordsAsked names the records to be shown.
type recordsAsked struct {
	partition string
	offset    int64
	count     int
}

func (a *app) recordsShowCommand() *cobra.Command {
	var f recordsAsked
	c := &cobra.Command{
		Use: "show MAPPING --partition N --offset N", Short: "Show a record: key, value, headers, timestamp",
		Long: `Show reads from the mapping's topic with the mapping's own access, outside of its group:
nothing is committed and nobody is disturbed. What masking rules hide is not shown.
-o json gives all of it with the bytes in base64, -o raw the bytes of the value alone.`,
		Example: `  gantry records show orders-to-validate --partition 3 --offset 1234
  gantry records show orders-to-validate --partition 3 --offset 1234 --count 5 -o json
  gantry records show orders-to-validate --partition 3 --offset 1234 -o raw > value.bin`,
		Annotations: map[string]string{outputs: "raw"},
		Args:        args(cobra.ExactArgs(1)),
		RunE:        func(c *cobra.Command, words []string) error { return a.showRecords(c, words[0], f) },
	}
	c.Flags().StringVar(&f.partition, "partition", "", "the partition, 3 or orders-3")
	c.Flags().Int64Var(&f.offset, "offset", -1, "the offset of the first record")
	c.Flags().IntVar(&f.count, "count", 1, "how many records, at most 100")
	return c
}

// recordLine is one record as the API gives it.
type recordLine struct {
	Offset        int64     `json:"offset"`
	Timestamp     time.Time `json:"timestamp"`
	TimestampType string    `json:"timestampType"`
	Key           []byte    `json:"key"`
	Value         []byte    `json:"value"`
	Functions     []string  `json:"functions"`
	Headers       []struct {
		Key   string `json:"key"`
		Value []byte `json:"value"`
	} `json:"headers"`
}

func (a *app) showRecords(c *cobra.Command, id string, f recordsAsked) error {
	where, err := partitionOf(f.partition)
	if f.offset < 0 {
		err = errors.Join(err, errors.New("--offset: is missing"))
	}
	if err != nil {
		return usage(c, err)
	}
	query := url.Values{
		"partition": {fmt.Sprint(where["partition"])}, "offset": {strconv.FormatInt(f.offset, 10)}, "count": {strconv.Itoa(f.count)},
	}
	if topic := fmt.Sprint(where["topic"]); topic != "" {
		query.Set("topic", topic)
	}
	var answer json.RawMessage
	if err := a.do(c.Context(), call{method: "GET", path: mappingPath(id, "/records"), query: query, out: &answer}); err != nil {
		return err
	}
	var v struct {
		Topic     string       `json:"topic"`
		Partition int32        `json:"partition"`
		Masked    bool         `json:"masked"`
		Records   []recordLine `json:"records"`
	}
	if err := json.Unmarshal(answer, &v); err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	if a.output == "raw" {
		for _, r := range v.Records {
			if _, err := a.Out.Write(r.Value); err != nil {
				return err
			}
		}
		return nil
	}
	return a.show(answer, func(w io.Writer) {
		if v.Records[0].Offset != f.offset {
			fmt.Fprintf(w, "offset %d holds no record (compacted away, or a transaction's marker); this is the next one\n\n", f.offset)
		}
		for i, r := range v.Records {
			if i > 0 {
				fmt.Fprintln(w)
			}
			r.print(w, v.Topic, v.Partition)
		}
		if v.Masked {
			fmt.Fprintln(w, "\nmasking rules are in force: what they hide is not shown")
		}
	})
}

func (r recordLine) print(w io.Writer, topic string, partition int32) {
	row(w, "position:", fmt.Sprintf("%s-%d offset %d", topic, partition, r.Offset))
	row(w, "timestamp:", fmt.Sprintf("%s (%s, %s)", r.Timestamp.Format("2006-01-02T15:04:05.000Z07:00"), r.TimestampType, ago(r.Timestamp)))
	row(w, "key:", shown(r.Key))
	for _, h := range r.Headers {
		row(w, "header "+terminalSafe(h.Key)+":", shown(h.Value))
	}
	if len(r.Functions) > 0 {
		row(w, "goes to:", strings.Join(r.Functions, ", "))
	}
	row(w, "value:", fmt.Sprintf("%d bytes", len(r.Value)))
	fmt.Fprintln(w, indent(pretty(r.Value)))
}

// shown is a short value on one line.
func shown(b []byte) string {
	switch {
	case b == nil:
		return "null"
	case printable(b):
		return terminalSafe(string(b))
	}
	return "base64 " + base64.StdEncoding.EncodeToString(b)
}

// pretty is a value on as many lines as it takes: JSON indented, text as it is, anything
// else as a dump.
func pretty(b []byte) string {
	var out strings.Builder
	var value json.RawMessage
	switch {
	case b == nil:
		return "null"
	case json.Unmarshal(b, &value) == nil && printable(b):
		enc := json.NewEncoder(&out)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		if enc.Encode(value) == nil {
			return out.String()
		}
	case printable(b):
		return terminalSafe(string(b))
	}
	return hex.Dump(b)
}

// printable says that bytes are text, which may hold tabs and line ends.
func printable(b []byte) bool {
	return strings.IndexFunc(string(b), func(r rune) bool {
		return r == unicode.ReplacementChar || unicode.IsControl(r) && !strings.ContainsRune("\t\r\n", r)
	}) < 0
}

// terminalSafe keeps what a record holds from steering the terminal.
func terminalSafe(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' || unicode.Is(unicode.Cf, r) {
			return '?'
		}
		return r
	}, s)
}
