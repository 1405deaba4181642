package process

import (
	"bytes"
	"fmt"
	"os"
	"sync"
	"time"
)

// Streams a line can come from. Platform lines are gantry's own, where Lambda writes
// some too: about timeouts, crashes and failed init phases.
const (
	Stdout   = "stdout"
	Stderr   = "stderr"
	Platform = "platform"
)

// Line is one line a function wrote.
type Line struct {
	Time      time.Time
	Stream    string
	RequestID string // of the invocation during which it was written; empty between invocations
	Text      string // without the newline
}

// Sink takes the lines of a function. It is called by several processes at once, and a
// process waits for it: it must not block.
type Sink interface {
	Line(Line)
}

// longestLine is where a line without a newline is cut, as CloudWatch does.
const longestLine = 256 << 10

// output reads what one process writes.
//
// Lines must be told apart by invocation, although a process may ask for its next event
// while its last lines are still in the pipe. So the pipes are read not only by their own
// goroutines but also, without waiting, at the end of an invocation (drain): all reading
// and cutting happens under mu, and when drain returns everything written before is done.
type output struct {
	sink    Sink
	streams [2]*stream
	readers sync.WaitGroup

	hide *mask // what the lines must not show; set before the process is started

	mu   sync.Mutex
	id   string
	tail *tail
	buf  [8 << 10]byte
}

// stream is one pipe from the process.
type stream struct {
	name     string
	read     *os.File
	childEnd *os.File // the process's end, ours only until it is started
	partial  []byte   // a line without its end yet
}

func newOutput(sink Sink) (*output, error) {
	o := &output{sink: sink, tail: &tail{}}
	for i, name := range []string{Stdout, Stderr} {
		r, w, err := os.Pipe()
		if err != nil {
			if i == 1 {
				o.streams[0].read.Close()
				o.streams[0].childEnd.Close()
			}
			return nil, fmt.Errorf("make a pipe: %w", err)
		}
		o.streams[i] = &stream{name: name, read: r, childEnd: w}
	}
	return o, nil
}

// started closes the process's ends of the pipes here, and begins to read.
func (o *output) started() {
	for _, s := range o.streams {
		s.childEnd.Close()
		o.readers.Go(func() { o.follow(s) })
	}
}

// close reads what is left for as long as the grace: something outside the process
// group may still hold the other end.
func (o *output) close(grace time.Duration) {
	done := make(chan struct{})
	go func() {
		o.readers.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(grace):
	}
	for _, s := range o.streams {
		s.read.Close()
	}
	select {
	case <-done:
	case <-time.After(lastWords): // Windows cannot interrupt a read
	}
	o.mu.Lock()
	o.flush()
	o.mu.Unlock()
}

// attribute drains the pipes and says whose the lines are from now on. The end of an
// invocation ends its tail too.
func (o *output) attribute(id string) {
	if id == "" {
		o.drain()
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.flush()
	o.id = id
}

// flush passes on lines without their end. Called with o.mu held.
func (o *output) flush() {
	for _, s := range o.streams {
		if len(s.partial) > 0 {
			o.emit(s.name, s.partial)
			s.partial = s.partial[:0]
		}
	}
}

// keepTail starts to keep the last lines of the invocation that comes next.
func (o *output) keepTail(id string) *tail {
	t := &tail{}
	t.begin(id)
	o.setTail(t)
	return t
}

func (o *output) setTail(t *tail) {
	o.mu.Lock()
	o.tail = t
	o.mu.Unlock()
}

// early returns the last lines of a failed init phase.
func (o *output) early() []byte {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.tail.bytes()
}

// platform writes a line of gantry's own.
func (o *output) platform(text string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.emit(Platform, []byte(text))
}

// absorb cuts what was read into lines. Called with o.mu held.
func (o *output) absorb(s *stream, b []byte) {
	for len(b) > 0 {
		i := bytes.IndexByte(b, '\n')
		switch {
		case i < 0:
			s.partial = append(s.partial, b...)
			b = nil
		case len(s.partial) == 0:
			o.emit(s.name, b[:i])
			b = b[i+1:]
		default:
			s.partial = append(s.partial, b[:i]...)
			o.emit(s.name, s.partial)
			s.partial = s.partial[:0]
			b = b[i+1:]
		}
		if len(s.partial) >= longestLine {
			o.emit(s.name, s.partial)
			s.partial = nil
		}
	}
}

// emit passes one line on. Called with o.mu held.
func (o *output) emit(name string, text []byte) {
	text = o.hide.over(bytes.TrimSuffix(text, []byte("\r")))
	if o.tail != nil {
		o.tail.line(text)
	}
	if o.sink != nil {
		o.sink.Line(Line{Time: time.Now(), Stream: name, RequestID: o.id, Text: string(text)})
	}
}
