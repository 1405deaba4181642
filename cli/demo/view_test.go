package demo

import (
	"flag"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/lipgloss"
	"github.com/charmbracelet/x/ansi"
	"github.com/muesli/termenv"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// plainLook draws without colours.
func plainLook() *look {
	r := lipgloss.NewRenderer(io.Discard)
	r.SetColorProfile(termenv.Ascii)
	return newLook(r)
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), got, "run with -update and read the diff")
}

// scene is a moment of a demo with something of everything in it.
func scene() Frame {
	at := time.Date(2030, 1, 2, 15, 4, 5, 678e6, time.UTC)
	parts := func(ends ...int64) (out []PartitionFrame) {
		for i, end := range ends {
			out = append(out, PartitionFrame{Index: int32(i), End: end, Lag: int64(i) * 7})
		}
		return out
	}
	f := Frame{
		Elapsed: 12 * time.Second, Limit: 20 * time.Second, Endpoint: "http://127.0.0.1:9400", Objects: 41, Stored: 12_345,
		Topics: []TopicFrame{
			{Name: ordersTopic, Records: 1_234_567, PerSecond: 400, History: []float64{0, 100, 200, 400, 390, 400}, Partitions: parts(308_641, 308_642, 308_642, 308_642)},
			{Name: paymentsTopic, Records: 2_400, PerSecond: 200, Partitions: parts(600, 600, 600, 600)},
			{Name: deadTopic, Records: 3, PerSecond: 0.2, Partitions: parts(1, 0, 2, 0)},
		},
		Last: BatchFrame{At: at, Stage: "1.1 validate", Where: "0:275-276 1:331-337", Records: 9, Elapsed: 6800 * time.Microsecond, Text: "ok"},
		Notable: []BatchFrame{
			{At: at.Add(-time.Second), Stage: "2.1 authorise", Where: "2:121-170", Records: 50, Elapsed: 4 * time.Millisecond, Failed: true, Text: "failed: the bank did not answer in time"},
			{At: at.Add(-2 * time.Second), Stage: "2.2 settle", Where: "2:121-121", Records: 1, Elapsed: 5 * time.Millisecond, Failed: true, Text: "1 of 1 named as failed"},
		},
	}
	for i, s := range stages() {
		f.Stages = append(f.Stages, StageFrame{
			Mapping: s.mapping, Label: s.label, Effect: s.effect, Topic: s.topic, Running: s.mapping != "orders-to-notify",
			Processed: int64(1234567 / (i + 1)), PerSecond: float64(400 / (i + 1)), Calls: float64(20 / (i + 1)), Flying: i % 3, Lag: int64(i * 5),
		})
	}
	f.Stages[3].Retries, f.Stages[4].Retries, f.Stages[4].Dead = 150, 42, 12
	return f
}

func TestView(t *testing.T) {
	t.Parallel()
	drained := scene()
	drained.Draining, drained.Limit = true, 0
	noPython := scene()
	noPython.Stages = noPython.Stages[:len(noPython.Stages)-1]
	noPython.Notes = []string{"no python3 on this machine: the function order-score was left out"}
	broken := scene()
	broken.Stages[1].Problem, broken.Stages[1].Running = "PROBLEM: Function not found.", false
	for _, c := range []struct {
		name          string
		frame         Frame
		width, height int
	}{
		{"100x30", scene(), 100, 30},
		{"200x50", scene(), 200, 50},
		{"96x26", scene(), 96, 26},
		{"80x24", scene(), 80, 24},
		{"40x10", scene(), 40, 10},
		{"finishing", drained, 100, 30},
		{"no-python", noPython, 100, 30},
		{"broken", broken, 100, 30},
		{"first", Frame{Starting: true, Endpoint: "http://127.0.0.1:9400"}, 100, 30},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := plainLook().draw(c.frame, c.width, c.height)
			lines := strings.Split(got, "\n")
			require.LessOrEqual(t, len(lines), c.height)
			for _, line := range lines {
				require.LessOrEqual(t, lipgloss.Width(line), c.width, strconv.Quote(line))
			}
			golden(t, c.name+".txt", got+"\n")
		})
	}
}

// TestColour holds that colours change nothing of the layout.
func TestColour(t *testing.T) {
	t.Parallel()
	r := lipgloss.NewRenderer(io.Discard)
	r.SetColorProfile(termenv.ANSI256)
	coloured := newLook(r).draw(scene(), 100, 30)
	plain := strings.Split(plainLook().draw(scene(), 100, 30), "\n")
	lines := strings.Split(coloured, "\n")
	require.Len(t, lines, len(plain))
	require.Contains(t, coloured, "\x1b[")
	for i := range lines {
		require.Equal(t, plain[i], strings.TrimRight(ansi.Strip(lines[i]), " "), "line %d", i)
	}
}
