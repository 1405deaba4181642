// Package docs runs what documents say: a page's ```console blocks are carried out by
// one shell, command by command, and what comes out is compared with what is written.
package docs

import (
	"bufio"
	"fmt"
	"io"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// step is a command and what the page says it answers.
type step struct{ command, answer string }

var here = regexp.MustCompile(`<<'(\w+)'`)

// steps reads the console blocks of a page. A line that begins with "$ " is a command, a
// here-document's lines belong to it, everything else is an answer.
func steps(page string) []step {
	var all []step
	inside, until := false, ""
	for line := range strings.Lines(page) {
		line = strings.TrimRight(line, "\n")
		switch {
		case strings.HasPrefix(line, "```"):
			inside = line == "```console"
		case !inside:
		case until != "":
			all[len(all)-1].command += "\n" + line
			if line == until {
				until = ""
			}
		case strings.HasPrefix(line, "$ "):
			all = append(all, step{command: line[2:]})
			if m := here.FindStringSubmatch(line); m != nil {
				until = m[1]
			}
		default:
			all[len(all)-1].answer += line + "\n"
		}
	}
	return all
}

// matches says whether an answer is what the page promised; … stands for anything, and
// neither empty lines nor spaces at the end of a line count.
func matches(promised, said string) bool {
	parts := strings.Split(plain(promised), "…")
	for i := range parts {
		parts[i] = regexp.QuoteMeta(parts[i])
	}
	return regexp.MustCompile(`(?s)^` + strings.Join(parts, ".*") + `$`).MatchString(plain(said))
}

func plain(text string) string {
	var kept []string
	for line := range strings.Lines(text) {
		if line = strings.TrimRight(line, " \t\n"); line != "" {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "\n")
}

// shell carries out commands in one bash, as one terminal does.
type shell struct {
	t   testing.TB
	in  io.Writer
	out *bufio.Reader
}

func open(t testing.TB, dir string, env []string) *shell {
	t.Helper()
	c := exec.Command("bash", "--noprofile", "--norc")
	c.Dir, c.Env = dir, env
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Skipf("no bash to run the page with: %v", err)
	}
	t.Cleanup(func() {
		_, _ = io.WriteString(in, "\nkill $(jobs -p) 2>/dev/null; wait\n")
		_ = in.Close()
		_ = c.Wait()
	})
	return &shell{t, in, bufio.NewReader(out)}
}

// reaped is what bash says of a job that was killed, whenever it notices.
var reaped = regexp.MustCompile(`^bash: line \d+: +\d+ (Killed|Terminated)`)

// end marks where an answer ends; the code follows.
const end = "--end-of-answer--"

// run gives what a command said and its exit code.
func (s *shell) run(command string) (said string, code int) {
	s.t.Helper()
	if _, err := fmt.Fprintf(s.in, "{ %s\n} 2>&1 </dev/null; c=$?; echo; echo %s $c\n", command, end); err != nil {
		s.t.Fatalf("%s: %v", command, err)
	}
	var answer strings.Builder
	for {
		line, err := s.out.ReadString('\n')
		if err != nil {
			s.t.Fatalf("%s: the shell ended: %v\n%s", command, err, answer.String())
		}
		if rest, ok := strings.CutPrefix(line, end+" "); ok {
			_, _ = fmt.Sscan(rest, &code)
			return answer.String(), code
		}
		if !reaped.MatchString(line) {
			answer.WriteString(line)
		}
	}
}
