package cli

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"

	"github.com/spf13/cobra"
)

func (a *app) deadlettersExportCommand() *cobra.Command {
	var f letterFlags
	c := &cobra.Command{
		Use: "export MAPPING FILE", Short: "Write dead letters with their records to a file, one JSON document a line",
		Long: `Export writes the letters that are chosen to a file of JSON lines, each as show -o json has
it. What masking rules hide is not in it. The file appears whole or not at all, and a file
that is there is not overwritten. - writes to the output.`,
		Example: "  gantry deadletters export orders dead.jsonl --since 24h\n  gantry deadletters export orders - --error \"card expired\" | jq .records[0].valueText",
		Args:    args(cobra.ExactArgs(2)),
		RunE: func(c *cobra.Command, words []string) error {
			q, err := f.query(c)
			if err != nil {
				return err
			}
			q.Set("payload", "true")
			return a.exportLetters(c, words[0], words[1], q)
		},
	}
	f.flags(c)
	return c
}

func (a *app) exportLetters(c *cobra.Command, id, path string, q url.Values) (err error) {
	n := 0
	if path == "-" {
		_, err := a.walkLetters(c, id, q, func(text json.RawMessage) error {
			_, err := fmt.Fprintf(a.Out, "%s\n", text)
			return err
		})
		return err
	}
	if _, err := os.Stat(path); err == nil {
		return fmt.Errorf("%s is there already; name another file", path)
	}
	part := path + ".part"
	out, err := os.OpenFile(part, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(part)
		}
	}()
	buffered := bufio.NewWriter(out)
	sum, err := a.walkLetters(c, id, q, func(text json.RawMessage) error {
		n++
		_, err := buffered.Write(append(text, '\n'))
		return err
	})
	if err := errors.Join(err, buffered.Flush(), out.Sync(), out.Close()); err != nil {
		return err
	}
	if err := os.Rename(part, path); err != nil {
		return err
	}
	return a.tell(map[string]any{"file": path, "letters": n, "masked": sum.Masked}, "%d dead letters written to %s", n, path)
}
