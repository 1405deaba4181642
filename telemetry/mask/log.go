package mask

import (
	"context"
	"fmt"
	"log/slog"
)

// Handler puts the rules before a log: messages and the texts of attributes.
func (m *Mask) Handler(next slog.Handler) slog.Handler {
	if m == nil {
		return next
	}
	return handler{next, m}
}

type handler struct {
	slog.Handler
	mask *Mask
}

// Handle implements slog.Handler.
func (h handler) Handle(ctx context.Context, r slog.Record) error {
	out := slog.NewRecord(r.Time, r.Level, h.mask.Text(r.Message), r.PC)
	r.Attrs(func(a slog.Attr) bool {
		out.AddAttrs(h.attr(a))
		return true
	})
	return h.Handler.Handle(ctx, out)
}

// WithAttrs implements slog.Handler.
func (h handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	masked := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		masked[i] = h.attr(a)
	}
	return handler{h.Handler.WithAttrs(masked), h.mask}
}

// WithGroup implements slog.Handler.
func (h handler) WithGroup(name string) slog.Handler {
	return handler{h.Handler.WithGroup(name), h.mask}
}

func (h handler) attr(a slog.Attr) slog.Attr {
	v := a.Value.Resolve()
	switch v.Kind() {
	case slog.KindString:
		return slog.String(a.Key, h.mask.Text(v.String()))
	case slog.KindGroup:
		inner := make([]slog.Attr, 0, len(v.Group()))
		for _, g := range v.Group() {
			inner = append(inner, h.attr(g))
		}
		return slog.Attr{Key: a.Key, Value: slog.GroupValue(inner...)}
	case slog.KindAny:
		switch x := v.Any().(type) {
		case error:
			return slog.String(a.Key, h.mask.Text(x.Error()))
		case fmt.Stringer:
			return slog.String(a.Key, h.mask.Text(x.String()))
		}
	}
	return a
}
