package lambda

import (
	"encoding/base64"
	"net/http"
	"strconv"
)

// page is the part of a list a request asks for.
type page struct {
	marker   *string
	maxItems *int
	badItems string // MaxItems, where it is no number
}

func (p *page) read(r *http.Request) {
	query := r.URL.Query()
	if m := query.Get("Marker"); m != "" {
		p.marker = &m
	}
	if text := query.Get("MaxItems"); text != "" {
		n, err := strconv.Atoi(text)
		p.maxItems = &n
		if err != nil {
			p.badItems = text
		}
	}
}

func (p *page) faults(f *faults) {
	if p.badItems != "" {
		f.breaks("maxItems", p.badItems, "Member must be a number")
	} else {
		f.number("maxItems", p.maxItems, 1, 10_000)
	}
	if p.marker != nil {
		if _, err := base64.RawURLEncoding.DecodeString(*p.marker); err != nil {
			f.refuse("Marker: %s is none that this API gave", shorten(*p.marker))
		}
	}
}

// cut gives the asked part of items, which are in order of their ids, and the marker of
// the rest. A marker names the last item given, so what is added or removed between two
// requests moves nothing that was not yet seen.
func cut[T any](items []T, id func(T) string, p page, most int) ([]T, *string) {
	if p.marker != nil {
		last, _ := base64.RawURLEncoding.DecodeString(*p.marker) // checked by faults
		for len(items) > 0 && id(items[0]) <= string(last) {
			items = items[1:]
		}
	}
	n := most
	if p.maxItems != nil {
		n = min(n, *p.maxItems)
	}
	if len(items) <= n {
		return items, nil
	}
	next := base64.RawURLEncoding.EncodeToString([]byte(id(items[n-1])))
	return items[:n], &next
}
