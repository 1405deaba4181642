package cli

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"

	"github.com/spf13/cobra"
)

// produced is what produce sends.
type produced struct {
	Cluster string           `json:"cluster"`
	Brokers []string         `json:"brokers"`
	Records []map[string]any `json:"records"`
}

func (a *app) produceCommand() *cobra.Command {
	var to produced
	var file, separator string
	c := &cobra.Command{
		Use: "produce TOPIC [VALUE…]", Short: "Write records to a topic, through gantry",
		Long: `Produce writes each VALUE, or each line of a file (- is standard input) where none is
given, as a record. With --key-separator the text before it is the key.`,
		Example: `  gantry produce orders --cluster onprem '{"id":1}' '{"id":2}'
  gantry produce orders --brokers localhost:9092 --file orders.jsonl
  gantry produce orders --cluster onprem --key-separator : 'customer-7:{"id":1}'`,
		Args: args(cobra.MinimumNArgs(1)),
		RunE: func(c *cobra.Command, words []string) error {
			if (to.Cluster == "") == (len(to.Brokers) == 0) {
				return usage(c, fmt.Errorf("say where the topic is: --cluster NAME or --brokers HOST:PORT"))
			}
			lines, err := a.lines(words[1:], file)
			if err != nil {
				return err
			}
			return a.produce(c, produceTo{topic: words[0], to: to, lines: lines, separator: separator})
		},
	}
	c.Flags().StringVar(&to.Cluster, "cluster", "", "name in clusters:")
	c.Flags().StringSliceVar(&to.Brokers, "brokers", nil, "bootstrap brokers, host:port")
	c.Flags().StringVar(&file, "file", "-", "file with one value a line; - is standard input")
	c.Flags().StringVar(&separator, "key-separator", "", "text between key and value")
	return c
}

// lines are the values given, or those of the file.
func (a *app) lines(values []string, file string) ([]string, error) {
	if len(values) > 0 {
		return values, nil
	}
	in := a.In
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, err
		}
		defer func() { _ = f.Close() }()
		in = f
	}
	return readLines(in)
}

func readLines(in io.Reader) ([]string, error) {
	var lines []string
	scan := bufio.NewScanner(in)
	scan.Buffer(nil, 16<<20)
	for scan.Scan() {
		lines = append(lines, scan.Text())
	}
	return lines, scan.Err()
}

type produceTo struct {
	topic     string
	to        produced
	lines     []string
	separator string
}

// produceAtOnce bounds the body of one request.
const produceAtOnce = 1000

func (a *app) produce(c *cobra.Command, p produceTo) error {
	positions := []json.RawMessage{}
	for len(p.lines) > 0 {
		n := min(produceAtOnce, len(p.lines))
		p.to.Records = nil
		for _, line := range p.lines[:n] {
			p.to.Records = append(p.to.Records, recordOf(line, p.separator))
		}
		path := "/gantry/v1/topics/" + url.PathEscape(p.topic) + "/records"
		var answer struct {
			Positions []json.RawMessage `json:"positions"`
		}
		if err := a.do(c.Context(), call{method: "POST", path: path, in: p.to, out: &answer}); err != nil && len(positions) > 0 {
			return fmt.Errorf("%s were written before: %w", records(int64(len(positions))), err)
		} else if err != nil {
			return err
		}
		positions = append(positions, answer.Positions...)
		p.lines = p.lines[n:]
	}
	out := map[string]any{"topic": p.topic, "positions": positions}
	return a.tell(out, "%s written to %s", records(int64(len(positions))), p.topic)
}

func recordOf(line, separator string) map[string]any {
	if separator != "" {
		if key, value, ok := strings.Cut(line, separator); ok {
			return map[string]any{"keyText": key, "valueText": value}
		}
	}
	return map[string]any{"valueText": line}
}
