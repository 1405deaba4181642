package cli

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"gantry/api/client"
)

// redriveFlags are how a redrive is asked for.
type redriveFlags struct {
	letterFlags
	to, rate, ids string
	most          int
	force         bool
	expired       bool
	dry           bool
	confirmation
}

func (a *app) deadlettersRedriveCommand() *cobra.Command {
	var f redriveFlags
	c := &cobra.Command{
		Use: "redrive MAPPING --to function|topic|kafka://TOPIC|file:PATH", Short: "Give dead letters another chance: to their function, to a topic, or to a file",
		Long: `Redrive takes the records of dead letters to
  function        the mapping's function, invoked with AWS's event of them
  topic           the topic and partition they came from, key, value and headers as they were:
                  every consumer group of that topic reads them again
  kafka://TOPIC   another topic of the same cluster
  file:PATH       a file of JSON lines

Without --yes, or with --dry-run, it shows what would happen and changes nothing. With --yes
it does exactly what a preview showed: the one whose --token is given, or the one it makes
itself first. A record is redriven once, however often the command is given and wherever it
was interrupted, because what was done stands in a ledger beside the letters (a compacted
topic, PLACE.redriven). To a topic that is exact: records and ledger are one transaction. A
function may be invoked twice where gantry is killed between its answer and the ledger.

A redriven record carries the headers gantry-redrive-count and gantry-redrive-of. One that
was redriven three times is held, unless --most or --force says otherwise.`,
		Example: `  gantry deadletters redrive orders --to function --error "card expired"
  gantry deadletters redrive orders --to function --error "card expired" --rate 100/s --reason "bank repaired, INC-7" --yes
  gantry deadletters redrive orders --to topic --ids chosen.txt --reason "INC-7" --yes
  gantry deadletters redrive orders --to file:for-the-bank.jsonl --reason "handed over" --yes`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, words []string) error {
			in, err := f.request(c)
			if err != nil {
				return err
			}
			return a.redrive(c, words[0], &f, in)
		},
	}
	f.letterFlags.flags(c)
	c.Flags().StringVar(&f.to, "to", "", "function, topic, kafka://TOPIC or file:PATH")
	c.Flags().StringVar(&f.ids, "ids", "", "a file with the ids of letters, one a line, or JSON lines as export writes them; - = the input")
	c.Flags().StringVar(&f.rate, "rate", "", "at most so many records: 100/s, 600/m")
	c.Flags().IntVar(&f.most, "most", 3, "redrives of one record before it is held")
	c.Flags().BoolVar(&f.force, "force", false, "hold nothing")
	c.Flags().BoolVar(&f.expired, "drop-expired", false, "take letters away of which only records are left that their topic does not keep any more")
	c.Flags().BoolVar(&f.dry, "dry-run", false, "show what would be done, whatever else is said")
	f.confirmation.flags(c)
	return c
}

func (f *redriveFlags) request(c *cobra.Command) (map[string]any, error) {
	chosen, err := f.selection(c)
	if err != nil {
		return nil, err
	}
	rate, err := rateOf(f.rate)
	if f.to == "" {
		err = errors.Join(err, errors.New("--to: is missing: function, topic, kafka://TOPIC or file:PATH"))
	}
	if f.most < 1 {
		err = errors.Join(err, errors.New("--most: want at least 1"))
	}
	if err != nil {
		return nil, usage(c, err)
	}
	if err := f.check(c); err != nil {
		return nil, err
	}
	if f.ids != "" {
		ids, err := idsOf(c, f.ids)
		if err != nil {
			return nil, err
		}
		chosen["ids"] = ids
	}
	return map[string]any{
		"from": f.from, "select": chosen, "to": f.to, "rate": rate, "most": f.most, "force": f.force, "dropExpired": f.expired,
		"reason": f.reason, "token": f.token,
	}, nil
}

// rateOf reads 100/s or 600/m.
func rateOf(text string) (float64, error) {
	if text == "" {
		return 0, nil
	}
	number, unit, _ := strings.Cut(text, "/")
	n, err := strconv.ParseFloat(number, 64)
	per := map[string]float64{"s": 1, "": 1, "m": 60, "h": 3600}[unit]
	if err != nil || n <= 0 || per == 0 {
		return 0, fmt.Errorf("--rate %q: want a number of records such as 100/s, 600/m or 1000/h", text)
	}
	return n / per, nil
}

// idsOf reads ids, one a line; a line of JSON has its id in the member of that name.
func idsOf(c *cobra.Command, path string) ([]string, error) {
	in := c.InOrStdin()
	if path != "-" {
		file, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		in = file
	}
	var ids []string
	scan := bufio.NewScanner(in)
	scan.Buffer(nil, longestLine)
	for scan.Scan() {
		line := strings.TrimSpace(scan.Text())
		var l struct {
			ID string `json:"id"`
		}
		if strings.HasPrefix(line, "{") && json.Unmarshal([]byte(line), &l) == nil {
			line = l.ID
		}
		if line != "" {
			ids = append(ids, line)
		}
	}
	if err := scan.Err(); err != nil {
		return nil, err
	}
	if len(ids) == 0 {
		return nil, fmt.Errorf("--ids %s: there is no id in it", path)
	}
	return ids, nil
}

// redriveTotals are in records, letters apart.
type redriveTotals struct {
	Letters  int64 `json:"letters"`
	Redriven int64 `json:"redriven"`
	Before   int64 `json:"before"`
	Failed   int64 `json:"failed"`
	Held     int64 `json:"held"`
	Expired  int64 `json:"expired"`
	Inexact  int64 `json:"inexact"`
	Others   int64 `json:"others"`
}

type redriveLine struct {
	Progress *struct {
		Done   int64         `json:"done"`
		Of     int64         `json:"of"`
		Totals redriveTotals `json:"totals"`
	} `json:"progress"`
	Record *struct {
		Letter   string `json:"letter"`
		Position string `json:"position"`
		State    string `json:"state"`
		Error    string `json:"error"`
	} `json:"record"`
	Preview *redriveEnd `json:"preview"`
	End     *redriveEnd `json:"end"`
	Error   *apiFailure `json:"error"`
}

type redriveEnd struct {
	Token  string        `json:"token,omitempty"`
	Place  string        `json:"place"`
	Target string        `json:"target,omitempty"`
	Totals redriveTotals `json:"totals"`
}

func (a *app) redrive(c *cobra.Command, id string, f *redriveFlags, in map[string]any) error {
	if f.token == "" || f.dry {
		in["token"] = ""
		p, err := a.redriveOnce(c, id, in, false)
		if err != nil {
			return err
		}
		if !f.yes || f.dry {
			return a.show(p, func(w io.Writer) { p.print(w, id) })
		}
		in["token"] = p.Token
	}
	if path, ok := strings.CutPrefix(f.to, "file:"); ok {
		if err := a.redriveFile(c, id, path, f); err != nil {
			return err
		}
	}
	end, err := a.redriveOnce(c, id, in, true)
	if err != nil {
		return err
	}
	if err := a.show(end, func(w io.Writer) { end.print(w, id) }); err != nil {
		return err
	}
	if end.Totals.Failed > 0 {
		return &exitError{1}
	}
	return nil
}

// redriveOnce sends an order and follows it to its end, or to its preview.
func (a *app) redriveOnce(c *cobra.Command, id string, in map[string]any, aloud bool) (redriveEnd, error) {
	body, err := json.Marshal(in)
	if err != nil {
		return redriveEnd{}, err
	}
	var end *redriveEnd
	var told redriveTotals
	err = a.streamOf(c, client.Request{Method: http.MethodPost, Path: mappingPath(id, "/dead-letters/redrive"), Body: body}, func(text []byte) error {
		var l redriveLine
		if err := json.Unmarshal(text, &l); err != nil {
			return fmt.Errorf("read a line of the stream: %w", err)
		}
		switch {
		case l.Error != nil:
			return l.Error
		case l.Record != nil && aloud:
			a.progress("%s (%s): %s: %s", l.Record.Letter, l.Record.Position, l.Record.State, short(l.Record.Error))
		case l.Progress != nil && aloud && l.Progress.Totals != told:
			told = l.Progress.Totals
			a.progress("%d redriven, %d failed, gone through %s", told.Redriven, told.Failed, portion(l.Progress.Done, l.Progress.Of))
		case l.Preview != nil:
			end = l.Preview
		case l.End != nil:
			end = l.End
		}
		return nil
	})
	if err == nil && end == nil {
		err = fmt.Errorf("the redrive ended before its end (%d records were redriven): gantry was stopped, or the command; give it again, what was done is not done twice", told.Redriven)
	}
	if err != nil {
		return redriveEnd{}, err
	}
	return *end, nil
}

// redriveFile writes the letters that wait for a redrive to a file before they are noted as
// redriven. A file that is there is gone on with: letters that are in it are not written
// again.
func (a *app) redriveFile(c *cobra.Command, id, path string, f *redriveFlags) error {
	written := map[string]bool{}
	if _, err := os.Stat(path); err == nil {
		ids, err := idsOf(c, path)
		if err != nil {
			return err
		}
		for _, id := range ids {
			written[id] = true
		}
	}
	q, err := f.query(c)
	if err != nil {
		return err
	}
	q.Set("payload", "true")
	out, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	only, err := f.chosen(c)
	if err != nil {
		return errors.Join(err, out.Close())
	}
	_, err = a.walkLetters(c, id, q, func(text json.RawMessage) error {
		var l letterLine
		if err := json.Unmarshal(text, &l); err != nil {
			return err
		}
		held := l.State.Count >= f.most && !f.force
		if l.State.State == "redriven" || held || written[l.ID] || only != nil && !only[l.ID] {
			return nil
		}
		_, err := out.Write(append(text, '\n'))
		return err
	})
	return errors.Join(err, out.Sync(), out.Close())
}

// chosen are the letters that --ids names; nil = all.
func (f *redriveFlags) chosen(c *cobra.Command) (map[string]bool, error) {
	if f.ids == "" {
		return nil, nil
	}
	if f.ids == "-" {
		return nil, errors.New("--ids -: goes not together with --to file:; name a file")
	}
	ids, err := idsOf(c, f.ids)
	if err != nil {
		return nil, err
	}
	only := map[string]bool{}
	for _, id := range ids {
		only[id] = true
	}
	return only, nil
}

func (e redriveEnd) print(w io.Writer, id string) {
	t := e.Totals
	row(w, "letters:", t.Letters)
	done := "redriven:"
	if e.Token != "" {
		done = "would be redriven:"
	}
	row(w, done, records(t.Redriven))
	row(w, "redriven before:", t.Before)
	row(w, "failed again:", t.Failed)
	row(w, "held, redriven too often:", t.Held)
	row(w, "expired at their source:", t.Expired)
	if t.Inexact > 0 {
		row(w, "letters that name more than they are about:", t.Inexact)
	}
	if t.Others > 0 {
		row(w, "letters of other mappings, left alone:", t.Others)
	}
	if e.Token != "" {
		fmt.Fprintf(w, "\nfrom %s to %s; nothing was changed. To do it, give the same command with:\n  --reason \"…\" --yes --token %s\n", e.Place, e.Target, e.Token)
		return
	}
	fmt.Fprintf(w, "\nSee: gantry deadletters list %s\n", id)
}
