package demo

import (
	"fmt"
	"strings"

	"github.com/charmbracelet/lipgloss"
	"github.com/charmbracelet/x/ansi"
)

// The picture: the data centre on the left, functions in the middle, the cloud on the
// right, in three bands. Below that size it becomes a table.
const (
	pictureWidth  = 96
	pictureHeight = 26
	bandLines     = 5
	groundWidth   = 27
	cloudWidth    = 22
	arrowWidth    = 4
	maxWidth      = 120
	functionCells = 25
)

// draw makes a frame of exactly the lines that fit.
func (k *look) draw(f Frame, width, height int) string {
	width = min(width, maxWidth)
	var lines []string
	if width < pictureWidth || height < pictureHeight {
		lines = append(lines, k.header(f, width), "")
		lines = append(lines, k.table(f)...)
	} else {
		lines = append(lines, k.header(f, width), "")
		lines = append(lines, strings.Split(k.picture(f, width), "\n")...)
	}
	foot := k.foot(f)
	room := height - len(lines) - len(foot)
	lines = append(lines, k.feed(f, room)...)
	lines = append(lines, foot...)
	lines = lines[:min(len(lines), height)]
	for i := range lines {
		lines[i] = strings.TrimRight(ansi.Truncate(lines[i], width, "…"), " ")
	}
	return strings.Join(lines, "\n")
}

// header says how long it has run and what ends it.
func (k *look) header(f Frame, width int) string {
	left := " " + k.title.Render("gantry demo") + "  " + clock(f.Elapsed)
	if f.Limit > 0 {
		left += k.dim.Render(" of " + clock(f.Limit))
	}
	say := "Ctrl-C ends with a summary "
	if f.Starting {
		say = "starting the broker, the engine and the functions "
	} else if f.Draining {
		say = "the services have stopped; what is left is finished "
	}
	return left + right(k.dim.Render(say), width-lipgloss.Width(left))
}

// picture joins the three columns, band by band.
func (k *look) picture(f Frame, width int) string {
	middle := width - groundWidth - cloudWidth - 2*arrowWidth
	titles := k.ground.Render(fit(" ON PREMISES: Kafka", groundWidth+arrowWidth)) +
		k.function.Render(fit(" FUNCTIONS: processes, by Lambda's contract", middle+arrowWidth)) +
		k.cloud.Render(fit(" CLOUD", cloudWidth))
	bands := []string{
		titles,
		k.band(k.topic(f.topic(ordersTopic)), k.functions(ordersService(), f, middle), k.effects("order data", f, ordersService())),
		k.band(k.topic(f.topic(paymentsTopic)), k.functions(paymentsService(), f, middle), k.effects("payment data", f, paymentsService())),
		k.band(k.topic(f.topic(deadTopic)), k.functions(integrations(), f, middle), k.bucket(f)),
	}
	return strings.Join(bands, "\n")
}

// team is one box in the middle: mappings that belong together, and what to look at.
type team struct {
	title    string
	mappings []string
	note     string
}

func ordersService() team {
	return team{"order service, now 1.1 … 1.3", []string{"orders-to-validate", "orders-to-price", "orders-to-notify"},
		"filters: 1.2 total > 100, 1.3 gold"}
}

func paymentsService() team {
	return team{"payment service, now 2.1, 2.2", []string{"payments-to-authorise", settleMapping},
		"2.1 now and then fails: it comes again\n2.2 names bad ones; 3 tries, then dead"}
}

func integrations() team {
	return team{"integrations", []string{"orders-to-bucket", "dead-letters-to-bucket", "orders-to-score"},
		"from topics orders and payments.dead"}
}

func (k *look) band(left, middle, right string) string {
	arrow := strings.Repeat("\n", (bandLines+2)/2) + k.dim.Render(" ─▶ ")
	return lipgloss.JoinHorizontal(lipgloss.Top, left, arrow, middle, arrow, right)
}

// topic is a box on the left: the total, its rate, and each partition with its lag.
func (k *look) topic(t TopicFrame) string {
	lines := []string{fit(thousands(t.Records), 9) + right(fmt.Sprintf("%.0f/s", t.PerSecond), 6) + " " + k.progress.Render(spark(t.History, 7))}
	for _, p := range t.Partitions {
		lag := right(fmt.Sprintf("lag %d", p.Lag), 8)
		if p.Lag == 0 {
			lag = k.dim.Render(lag)
		}
		lines = append(lines, fmt.Sprintf("%s %s %s", k.dim.Render(fmt.Sprint("p", p.Index)), right(thousands(p.End), 8), lag))
	}
	return box(k.ground, "topic "+t.Name, groundWidth, filled(lines)...)
}

func filled(lines []string) []string {
	for len(lines) < bandLines {
		lines = append(lines, "")
	}
	return lines[:bandLines]
}

// functions is a box in the middle: a row for each mapping.
func (k *look) functions(t team, f Frame, width int) string {
	name := width - 4 - functionCells
	lines := []string{k.dim.Render(fit("", name) + right("rec/s", 7) + right("busy", 5) + right("again", 7) + right("lag", 6))}
	for _, m := range t.mappings {
		s := f.stage(m)
		if s.Label == "" {
			continue // left out: there is no Python
		}
		lines = append(lines, k.functionRow(s, name))
	}
	if problem := problemOf(f, t.mappings); problem != "" {
		lines = append(lines, k.bad.Render(problem))
	}
	for _, note := range strings.Split(t.note, "\n") {
		lines = append(lines, k.dim.Render(note))
	}
	return box(k.function, t.title, width, filled(lines)...)
}

func (k *look) functionRow(s StageFrame, name int) string {
	if !s.Running {
		return fit(s.Label, name) + k.dim.Render(right("not running", functionCells))
	}
	again := right(thousands(s.Retries), 7)
	if s.Retries > 0 {
		again = k.bad.Render(again)
	}
	return fit(k.strong.Render(s.Label), name) + right(fmt.Sprintf("%.0f", s.PerSecond), 7) +
		right(strings.Repeat("●", min(s.Flying, 4)), 5) + again + right(thousands(s.Lag), 6)
}

func problemOf(f Frame, mappings []string) string {
	for _, m := range mappings {
		if s := f.stage(m); s.Problem != "" {
			return s.Problem
		}
	}
	return ""
}

// effects is a box on the right: what the functions have done.
func (k *look) effects(title string, f Frame, t team) string {
	var lines []string
	for _, m := range t.mappings {
		s := f.stage(m)
		lines = append(lines, k.count(s.Effect, s.Processed))
		if m == settleMapping {
			lines = append(lines, k.bad.Render(k.count("dead letters", s.Dead)))
		}
	}
	return box(k.cloud, title, cloudWidth, filled(lines)...)
}

func (k *look) bucket(f Frame) string {
	lines := []string{k.count("objects", f.Objects), k.count("records", f.Stored)}
	if score := f.stage("orders-to-score"); score.Label != "" {
		lines = append(lines, "", k.count("scored", score.Processed))
	}
	return box(k.cloud, "bucket and model", cloudWidth, filled(lines)...)
}

func (k *look) count(what string, n int64) string {
	return what + right(thousands(n), cloudWidth-4-lipgloss.Width(what))
}

// feed tells of single batches: those that failed stay, the newest one passes by.
func (k *look) feed(f Frame, room int) []string {
	if room < 2 || f.Last.At.IsZero() {
		return nil
	}
	lines := []string{" " + k.dim.Render("batches"), k.batch(f.Last)}
	for _, b := range f.Notable {
		if len(lines) < room {
			lines = append(lines, k.batch(b))
		}
	}
	for len(lines) < room {
		lines = append(lines, "")
	}
	return lines
}

func (k *look) batch(b BatchFrame) string {
	text := k.good.Render(b.Text)
	if b.Failed {
		text = k.bad.Render(b.Text)
	}
	return fmt.Sprintf(" %s %s %s %s  %s  %s", k.dim.Render(b.At.Format("15:04:05.000")), fit(b.Stage, 14),
		right(fmt.Sprintf("%d records", b.Records), 12), right(fmt.Sprintf("%.1f ms", inMS(b.Elapsed)), 9), text, k.dim.Render("["+b.Where+"]"))
}

// foot says what else to try.
func (k *look) foot(f Frame) []string {
	var lines []string
	for _, note := range f.Notes {
		lines = append(lines, " "+k.dim.Render(note))
	}
	return append(lines, k.dim.Render(" in another terminal: ")+"gantry status --endpoint "+f.Endpoint)
}
