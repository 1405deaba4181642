package demo

import (
	"strings"

	"github.com/charmbracelet/lipgloss"
	"github.com/charmbracelet/x/ansi"
)

// look is how things are drawn on one terminal: its colours, or none.
type look struct {
	title, dim, bad, good    lipgloss.Style
	ground, function, cloud  lipgloss.Style // the frames of the three columns
	number, strong, progress lipgloss.Style
}

// The colours say where something is: at home, on the way, in the cloud.
const (
	groundColour   = lipgloss.Color("39")
	functionColour = lipgloss.Color("214")
	cloudColour    = lipgloss.Color("78")
	dimColour      = lipgloss.Color("245")
	badColour      = lipgloss.Color("203")
)

func newLook(r *lipgloss.Renderer) *look {
	colour := func(c lipgloss.Color) lipgloss.Style { return r.NewStyle().Foreground(c) }
	return &look{
		title: r.NewStyle().Bold(true), dim: colour(dimColour), bad: colour(badColour), good: colour(cloudColour),
		ground: colour(groundColour), function: colour(functionColour), cloud: colour(cloudColour),
		number: r.NewStyle(), strong: r.NewStyle().Bold(true), progress: colour(groundColour),
	}
}

// box frames lines, with a title in its upper edge.
func box(style lipgloss.Style, title string, width int, lines ...string) string {
	title = ansi.Truncate(title, width-6, "…")
	edge := "╭─ " + title + " " + strings.Repeat("─", max(0, width-5-lipgloss.Width(title))) + "╮"
	out := []string{style.Render(edge)}
	for _, line := range lines {
		out = append(out, style.Render("│")+" "+fit(line, width-4)+" "+style.Render("│"))
	}
	out = append(out, style.Render("╰"+strings.Repeat("─", width-2)+"╯"))
	return strings.Join(out, "\n")
}

// fit makes a line exactly as wide as asked.
func fit(line string, width int) string {
	line = ansi.Truncate(line, width, "…")
	return line + strings.Repeat(" ", max(0, width-lipgloss.Width(line)))
}

// right puts a word at the right edge of a cell.
func right(word string, width int) string {
	return strings.Repeat(" ", max(0, width-lipgloss.Width(word))) + word
}

// spark draws a short history, scaled to its own height.
func spark(history []float64, width int) string {
	const bars = "▁▂▃▄▅▆▇█"
	history = history[max(0, len(history)-width):]
	top := 1.0
	for _, v := range history {
		top = max(top, v)
	}
	var out strings.Builder
	for _, v := range history {
		out.WriteRune([]rune(bars)[min(int(v/top*7.99), 7)])
	}
	return right(out.String(), width)
}
