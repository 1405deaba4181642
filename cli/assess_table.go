package cli

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/charmbracelet/lipgloss"
	"github.com/charmbracelet/x/ansi"
	"golang.org/x/term"

	"gantry/workload"
)

// summarize prints what was concluded, the service to begin with first.
func (a *app) summarize(judged workload.Assessment, f assessFlags) error {
	s := summary{w: a.Out, look: lipgloss.NewRenderer(a.Out), width: widthOf(a.Out)}
	s.first(judged)
	s.services(judged)
	s.totals(judged)
	s.caveats(judged)
	s.next(f)
	return s.err
}

// widthOf is a terminal's width, 0 where lines may be as long as they are.
func widthOf(w io.Writer) int {
	file, ok := w.(*os.File)
	if !ok {
		return 0
	}
	width, _, err := term.GetSize(int(file.Fd()))
	if err != nil {
		return 0
	}
	return width
}

type summary struct {
	w     io.Writer
	look  *lipgloss.Renderer
	width int
	err   error
}

func (s *summary) print(format string, words ...any) {
	if _, err := fmt.Fprintf(s.w, format, words...); err != nil && s.err == nil {
		s.err = fmt.Errorf("print the assessment: %w", err)
	}
}

func (s *summary) bold(text string) string { return s.look.NewStyle().Bold(true).Render(text) }

func (s *summary) dim(text string) string {
	return s.look.NewStyle().Foreground(lipgloss.Color("245")).Render(text)
}

func (s *summary) first(judged workload.Assessment) {
	if judged.First == nil {
		s.print("%s\n\n", s.bold("nothing to move: no plain consumer with traffic was found that a function or a container could take over"))
		return
	}
	s.print("%s: %s\n", headline(judged), s.bold(judged.First.Service))
	for _, why := range judged.First.Why {
		s.print("  because %s\n", why)
	}
	for _, but := range judged.First.But {
		s.print("  but see to: %s\n", but)
	}
	s.print("\n")
}

// headline promises no more than is known.
func headline(judged workload.Assessment) string {
	for _, svc := range judged.Services {
		if svc.Group == judged.First.Service && len(svc.Verdict.Open) > 0 {
			return "first candidate, once its questions are answered"
		}
	}
	return "move first"
}

// services prints the table. Cells are padded by what they show, since colours have no width.
func (s *summary) services(judged workload.Assessment) {
	if len(judged.Services) == 0 {
		return
	}
	lines := [][]string{{"SERVICE", "CLASS", "VERDICT", "$ A MONTH", "WAVE", "CONFIDENCE", "REASON"}}
	for _, svc := range judged.Services {
		lines = append(lines, []string{svc.Group, string(svc.Class), s.verdict(svc.Verdict), monthly(svc.Verdict), waveOf(svc), svc.Verdict.Confidence.Grade, svc.Verdict.Reason})
	}
	widths := make([]int, len(lines[0]))
	for _, cells := range lines {
		for i, c := range cells[:len(cells)-1] {
			widths[i] = max(widths[i], lipgloss.Width(c))
		}
	}
	for _, cells := range lines {
		var b strings.Builder
		for i, c := range cells {
			b.WriteString(c)
			if i < len(cells)-1 {
				b.WriteString(strings.Repeat(" ", widths[i]-lipgloss.Width(c)+2))
			}
		}
		line := b.String()
		if s.width > 0 {
			line = ansi.Truncate(line, s.width, "…")
		}
		s.print("%s\n", line)
	}
	s.print("\n")
}

func (s *summary) verdict(v workload.Verdict) string {
	colour := map[workload.Target]lipgloss.Color{workload.ToFunction: "78", workload.ToContainer: "75", workload.ToStay: "245"}[v.Target]
	text := string(v.Target)
	switch {
	case v.Target == workload.ToFunction && v.Later:
		text = "function, here"
	case v.Later:
		text = "container, later"
	case v.Target == workload.ToContainer && (v.On == "ECS" || v.On == "EKS"):
		text = "container, " + v.On
	}
	return s.look.NewStyle().Foreground(colour).Render(text)
}

func monthly(v workload.Verdict) string {
	switch {
	case v.Cost.High == 0:
		return "-"
	case v.Cost.High < 0.01:
		return "under 0.01"
	}
	if v.Cost.Low == v.Cost.High {
		return fmt.Sprintf("%.2f", v.Cost.Mid)
	}
	return fmt.Sprintf("%.2f (%.2f to %.2f)", v.Cost.Mid, v.Cost.Low, v.Cost.High)
}

func waveOf(svc workload.Service) string {
	if svc.Wave == 0 {
		return "-"
	}
	return fmt.Sprint(svc.Wave)
}

func (s *summary) totals(judged workload.Assessment) {
	count := map[workload.Target]int{}
	var sum, later workload.Money
	open := 0
	for _, svc := range judged.Services {
		v := svc.Verdict
		count[v.Target]++
		open += len(v.Open)
		to := &sum
		if v.Later {
			to = &later
		}
		*to = workload.Money{Low: to.Low + v.Cost.Low, Mid: to.Mid + v.Cost.Mid, High: to.High + v.Cost.High}
	}
	s.print("functions %d, containers %d, staying %d; compute %.2f $ a month (%.2f to %.2f) at list prices of %s",
		count[workload.ToFunction], count[workload.ToContainer], count[workload.ToStay], sum.Mid, sum.Low, sum.High, judged.Region)
	if later.Mid > 0 {
		s.print(", and %.2f once databases have moved", later.Mid)
	}
	s.print("\n")
	if open > 0 {
		s.print("%d answers that could still rule a function out are missing\n", open)
	}
}

func (s *summary) caveats(judged workload.Assessment) {
	for _, c := range judged.Caveats {
		s.print("%s\n", s.dim("note: "+c))
	}
}

// next says what to type.
func (s *summary) next(f assessFlags) {
	again := "gantry assess --from SURVEY"
	switch {
	case f.from != "":
		again = "gantry assess --from " + f.from
	case f.survey != "":
		again = "gantry assess --from " + f.survey
	default:
		s.print("\nkeep the survey with --survey FILE, and judge it again without asking the cluster:\n")
	}
	if f.facts == "" {
		s.print("  %s --write-facts services.yaml\n  %s --facts services.yaml\n", again, again)
	}
	if f.html == "" {
		s.print("  %s --html report.html\n", again)
	} else {
		s.print("report: %s\n", f.html)
	}
}
