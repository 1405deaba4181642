package demo

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"github.com/charmbracelet/lipgloss"
	"github.com/muesli/termenv"
	"golang.org/x/term"
)

// Live draws on a terminal. It is used by one goroutine; Close may come from another.
type Live struct {
	out     *os.File
	look    *look
	restore func() error
	close   sync.Once
}

// What is said to the terminal: the second screen, no cursor, no wrapping of lines; a
// frame is drawn over the one before and shown at once, so nothing flickers.
const (
	enterScreen = "\x1b[?1049h\x1b[?25l\x1b[?7l"
	leaveScreen = "\x1b[?7h\x1b[?25h\x1b[?1049l"
	beginFrame  = "\x1b[?2026h\x1b[H"
	endLine     = "\x1b[K"
	endFrame    = "\x1b[H\x1b[?2026l"
)

// NewLive takes a terminal over until Close. It says no where out is no terminal, or one
// that can't be drawn on.
func NewLive(out io.Writer) (*Live, bool) {
	file, ok := out.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) || os.Getenv("TERM") == "dumb" {
		return nil, false
	}
	restore, err := termenv.EnableVirtualTerminalProcessing(termenv.NewOutput(file))
	if err != nil {
		return nil, false
	}
	fmt.Fprint(file, enterScreen)
	return &Live{out: file, look: newLook(lipgloss.NewRenderer(file)), restore: restore}, true
}

// Show draws a frame.
func (l *Live) Show(f Frame) {
	width, height, err := term.GetSize(int(l.out.Fd()))
	if err != nil || width < 1 || height < 1 {
		width, height = 80, 24
	}
	lines := strings.Split(l.look.draw(f, width, height), "\n")
	lines = append(lines, make([]string, max(0, height-len(lines)))...) // every line is drawn over
	for i, line := range lines {
		if lipgloss.Width(line) < width { // at the right edge it would erase the last cell
			lines[i] += endLine
		}
	}
	fmt.Fprint(l.out, beginFrame, strings.Join(lines, "\r\n"), endFrame)
}

// Close gives the terminal back as it was.
func (l *Live) Close() {
	l.close.Do(func() {
		fmt.Fprint(l.out, leaveScreen)
		_ = l.restore()
	})
}
