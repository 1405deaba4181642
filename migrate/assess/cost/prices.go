package cost

import (
	_ "embed"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"gantry/workload"
)

// Default is the built-in price list, as a file to copy.
//
//go:embed prices.yaml
var Default []byte

// The lines of a price list. All but logs.gb must be there.
const (
	lambdaGBSecond = "lambda.gbSecond"
	lambdaRequest  = "lambda.request"
	lambdaDisk     = "lambda.diskGBSecond"
	lambdaPoller   = "lambda.pollerHour"
	fargateCPU     = "fargate.vcpuHour"
	fargateGB      = "fargate.gbHour"
	eksCluster     = "eks.clusterHour"
	eksCPU         = "eks.vcpuHour"
	eksGB          = "eks.gbHour"
	natHour        = "nat.hour"
	natGB          = "nat.gb"
	endpointHour   = "endpoint.hour"
	endpointGB     = "endpoint.gb"
	directMonth    = "directConnect.month"
	directGB       = "directConnect.gb"
	crossZoneGB    = "crossZone.gb"
	logsGB         = "logs.gb"
)

func needed() []string {
	return []string{
		lambdaGBSecond, lambdaRequest, lambdaDisk, lambdaPoller, fargateCPU, fargateGB, eksCluster, eksCPU, eksGB,
		natHour, natGB, endpointHour, endpointGB, directMonth, directGB, crossZoneGB,
	}
}

// Prices is a price list.
type Prices struct {
	Region string
	lines  map[string]workload.Price
}

// Lines gives the list in the order of its names.
func (p Prices) Lines() []workload.Price {
	out := make([]workload.Price, 0, len(p.lines))
	for _, name := range slices.Sorted(maps.Keys(p.lines)) {
		out = append(out, p.lines[name])
	}
	return out
}

func (p Prices) of(name string) float64 { return p.lines[name].Price }

// Read reads a price list and names every fault of it.
func Read(text []byte, name string) (Prices, error) {
	var file map[string]any
	if err := yaml.Unmarshal(text, &file); err != nil {
		return Prices{}, fmt.Errorf("%s: no YAML: %w", name, err)
	}
	r := priceReader{prices: Prices{lines: map[string]workload.Price{}}}
	r.file(file)
	if len(r.faults) > 0 {
		slices.Sort(r.faults)
		return Prices{}, errors.New(name + ": prices are not used:\n  " + strings.Join(r.faults, "\n  "))
	}
	return r.prices, nil
}

type priceReader struct {
	prices Prices
	faults []string
}

func (r *priceReader) fault(format string, args ...any) {
	r.faults = append(r.faults, fmt.Sprintf(format, args...))
}

func (r *priceReader) file(file map[string]any) {
	for key := range file {
		if key != "region" && key != "prices" {
			r.fault("%s: unknown key; known here: prices, region", key)
		}
	}
	region, ok := file["region"].(string)
	if !ok || region == "" {
		r.fault("region: is missing; the region the prices hold in, as text")
	}
	r.prices.Region = region
	lines, ok := file["prices"].(map[string]any)
	if !ok {
		r.fault("prices: is missing or no object")
	}
	known := append(needed(), logsGB)
	for name, line := range lines {
		if !slices.Contains(known, name) {
			r.fault("prices.%s: unknown price; known here: %s", name, strings.Join(known, ", "))
			continue
		}
		r.line(name, line)
	}
	for _, name := range needed() {
		if _, ok := lines[name]; !ok {
			r.fault("prices.%s: is missing", name)
		}
	}
}

func (r *priceReader) line(name string, line any) {
	at := "prices." + name
	members, ok := line.(map[string]any)
	if !ok {
		r.fault("%s: want {price, unit, source, date}", at)
		return
	}
	for key := range members {
		if !slices.Contains([]string{"price", "unit", "source", "date"}, key) {
			r.fault("%s.%s: unknown key; known here: date, price, source, unit", at, key)
		}
	}
	p := workload.Price{Name: name}
	p.Price, ok = number(members["price"])
	if !ok || p.Price < 0 || math.IsInf(p.Price, 0) || math.IsNaN(p.Price) {
		r.fault("%s.price: want a number that is not negative", at)
	}
	for key, to := range map[string]*string{"unit": &p.Unit, "source": &p.Source, "date": &p.Date} {
		if *to, ok = members[key].(string); !ok || *to == "" {
			r.fault("%s.%s: is missing; want text", at, key)
		}
	}
	if _, err := time.Parse(time.DateOnly, p.Date); err != nil && p.Date != "" {
		r.fault("%s.date: %q is no date such as 2026-09-19", at, p.Date)
	}
	r.prices.lines[name] = p
}

func number(v any) (float64, bool) {
	switch n := v.(type) {
	case float64:
		return n, true
	case uint64:
		return float64(n), true
	case int64:
		return float64(n), true
	case int:
		return float64(n), true
	}
	return 0, false
}
