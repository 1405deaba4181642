// Package logevent gives every kind of line in gantry's own log a name that stays: a line
// says what happened in words that may be put better one day, its event does not change,
// so searches and alerts may rely on it. The table is docs/logs.md too, and a test holds
// it against every line the code can write: its level and its attributes, none of which
// may be a payload.
package logevent

import (
	"context"
	"log/slog"
)

// Event is one kind of line.
type Event struct {
	Name  string
	Level slog.Level
	Says  string   // the message
	Attrs []string // beside time, level, msg and event
	About string   // what it means, and what to do where somebody has to
}

// Key is the attribute that holds an event's name, and Unnamed the one of lines that are
// not gantry's own words: those of a library.
const (
	Key     = "event"
	Unnamed = "unnamed"
)

// handler adds the event to each line.
type handler struct {
	next  slog.Handler
	names map[string]string
	told  bool // the event stands in the handler's own attributes
}

// Handler gives each line of next its event.
func Handler(next slog.Handler) slog.Handler {
	h := handler{next: next, names: map[string]string{}}
	for _, e := range Events() {
		h.names[e.Says] = e.Name
	}
	return h
}

// Enabled implements slog.Handler.
func (h handler) Enabled(ctx context.Context, l slog.Level) bool { return h.next.Enabled(ctx, l) }

// Handle implements slog.Handler.
func (h handler) Handle(ctx context.Context, r slog.Record) error {
	told := h.told
	r.Attrs(func(a slog.Attr) bool {
		told = told || a.Key == Key
		return !told
	})
	if told {
		return h.next.Handle(ctx, r)
	}
	name, ok := h.names[r.Message]
	if !ok {
		name = Unnamed
	}
	named := slog.NewRecord(r.Time, r.Level, r.Message, r.PC)
	named.AddAttrs(slog.String(Key, name))
	r.Attrs(func(a slog.Attr) bool { named.AddAttrs(a); return true })
	return h.next.Handle(ctx, named)
}

// WithAttrs implements slog.Handler.
func (h handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	for _, a := range attrs {
		h.told = h.told || a.Key == Key
	}
	h.next = h.next.WithAttrs(attrs)
	return h
}

// WithGroup implements slog.Handler.
func (h handler) WithGroup(name string) slog.Handler {
	h.next = h.next.WithGroup(name)
	return h
}
