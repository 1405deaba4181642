// Package figure shows figures: counts, shares and times in words, and the pages that
// gantry writes as one HTML file, with the style they share and the heat map of a week.
// Such a page loads nothing and runs nothing; plots are SVG, light and dark follow the
// reader's system.
package figure

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
)

//go:embed page.css
var style string

//go:embed heat.html
var heat string

// Page is a template with the style and the templates that pages share.
type Page struct {
	Name  string
	Text  string // the template; it may use {{template "heat" HEAT}}
	Style string // beyond what is shared
	Funcs template.FuncMap
}

// Write fills the page with what view makes of its style.
func (p Page) Write(w io.Writer, view func(style template.CSS) any) error {
	t, err := template.New(p.Name).Funcs(p.Funcs).Parse(heat + p.Text)
	if err != nil {
		return fmt.Errorf("read the template of the %s: %w", p.Name, err)
	}
	if err := t.Execute(w, view(template.CSS(style+p.Style))); err != nil { // our own files
		return fmt.Errorf("write the %s: %w", p.Name, err)
	}
	return nil
}
