package main

import (
	"bytes"
	"encoding/json"
)

// The shapes of Grafana's dashboard model that the dashboard needs. The suite test/watch
// holds what comes out against Grafana's own types.
type (
	dashboard struct {
		UID           string      `json:"uid"`
		Title         string      `json:"title"`
		Description   string      `json:"description"`
		Tags          []string    `json:"tags"`
		Timezone      string      `json:"timezone"`
		Editable      bool        `json:"editable"`
		GraphTooltip  int         `json:"graphTooltip"`
		Time          span        `json:"time"`
		Refresh       string      `json:"refresh"`
		SchemaVersion int         `json:"schemaVersion"`
		Panels        []drawn     `json:"panels"`
		Templating    list        `json:"templating"`
		Annotations   annotations `json:"annotations"`
	}
	span        struct{ From, To string }
	annotations struct {
		List []any `json:"list"`
	}
	list struct {
		List []variable `json:"list"`
	}
	variable struct {
		Type       string     `json:"type"`
		Name       string     `json:"name"`
		Label      string     `json:"label"`
		Query      string     `json:"query"`
		Datasource *source    `json:"datasource,omitempty"`
		Refresh    int        `json:"refresh"`
		Multi      bool       `json:"multi"`
		IncludeAll bool       `json:"includeAll"`
		AllValue   string     `json:"allValue,omitempty"`
		Current    *selection `json:"current,omitempty"`
	}
	selection struct {
		Text  string `json:"text"`
		Value string `json:"value"`
	}
	source struct {
		Type string `json:"type"`
		UID  string `json:"uid"`
	}
	grid struct {
		H int `json:"h"`
		W int `json:"w"`
		X int `json:"x"`
		Y int `json:"y"`
	}
	target struct {
		RefID        string `json:"refId"`
		Expr         string `json:"expr"`
		LegendFormat string `json:"legendFormat"`
		Instant      bool   `json:"instant"`
		Range        bool   `json:"range"`
	}
	drawn struct {
		ID          int            `json:"id"`
		Type        string         `json:"type"`
		Title       string         `json:"title"`
		Description string         `json:"description"`
		Datasource  source         `json:"datasource"`
		GridPos     grid           `json:"gridPos"`
		Targets     []target       `json:"targets"`
		Options     map[string]any `json:"options"`
		FieldConfig fieldConfig    `json:"fieldConfig"`
	}
	fieldConfig struct {
		Defaults  defaults `json:"defaults"`
		Overrides []any    `json:"overrides"`
	}
	defaults struct {
		Unit       string      `json:"unit"`
		Thresholds *thresholds `json:"thresholds,omitempty"`
	}
	thresholds struct {
		Mode  string `json:"mode"`
		Steps []step `json:"steps"`
	}
	step struct {
		Value *float64 `json:"value"`
		Color string   `json:"color"`
	}
)

// MarshalJSON writes Grafana's small letters.
func (s span) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]string{"from": s.From, "to": s.To})
}

var prometheus = source{"prometheus", "${datasource}"}

// grafana is packaging/monitoring/gantry-dashboard.json.
func grafana() string {
	d := dashboard{
		UID: "gantry", Title: "gantry", Description: "Event source mappings and functions of gantry. Made by: go run ./internal/docgen",
		Tags: []string{"gantry", "kafka"}, Timezone: "browser", Editable: true, GraphTooltip: 1,
		Time: span{"now-3h", "now"}, Refresh: "30s", SchemaVersion: 39, Annotations: annotations{[]any{}},
		Templating: list{[]variable{
			{Type: "datasource", Name: "datasource", Label: "Prometheus", Query: "prometheus"},
			{Type: "query", Name: "mapping", Label: "mapping", Query: "label_values(gantry_mapping_state, name)", Datasource: &prometheus,
				Refresh: 2, Multi: true, IncludeAll: true, AllValue: ".*", Current: &selection{"All", "$__all"}},
		}},
	}
	x, y := 0, 0
	for i, p := range panels() {
		height := 8
		if p.kind == "stat" {
			height = 4
		}
		if x+p.width > 24 {
			x, y = 0, y+height
		}
		d.Panels = append(d.Panels, p.draw(i+1, grid{height, p.width, x, y}))
		if x += p.width; x >= 24 {
			x, y = 0, y+height
		}
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(d); err != nil {
		panic(err) // plain values have a JSON form
	}
	return out.String()
}

// draw makes Grafana's panel of a row of the table.
func (p panel) draw(id int, at grid) drawn {
	d := drawn{ID: id, Type: p.kind, Title: p.title, Description: p.says, Datasource: prometheus, GridPos: at,
		FieldConfig: fieldConfig{Defaults: defaults{Unit: p.unit}, Overrides: []any{}}}
	for i, q := range p.queries {
		d.Targets = append(d.Targets, target{RefID: string(rune('A' + i)), Expr: q.expr, LegendFormat: q.legend, Instant: p.kind == "stat", Range: p.kind != "stat"})
	}
	if p.kind == "stat" {
		one := 1.0
		d.FieldConfig.Defaults.Thresholds = &thresholds{"absolute", []step{{nil, "green"}, {&one, "red"}}}
		d.Options = map[string]any{
			"graphMode": "none", "colorMode": "background", "justifyMode": "auto", "textMode": "auto", "wideLayout": true, "showPercentChange": false,
			"percentChangeColorMode": "standard", "orientation": "auto",
			"reduceOptions": map[string]any{"calcs": []string{"lastNotNull"}, "fields": "", "values": false},
		}
		return d
	}
	d.Options = map[string]any{
		"legend":  map[string]any{"displayMode": "list", "placement": "bottom", "showLegend": true, "calcs": []string{}},
		"tooltip": map[string]any{"mode": "multi", "sort": "desc"},
	}
	return d
}
