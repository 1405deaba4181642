package simulation

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"

	"gantry/function"
	"gantry/internal/rig"
	"gantry/mapping"
)

// consumer is a function of a run with several, with a second reading of its filter.
type consumer struct {
	mapping.Consumer
	keep func(value string) bool
}

func oddOnly(odd bool) string { return fmt.Sprintf(`{"value":{"odd":[%v]}}`, odd) }

// drawFunctions gives one run in three two or three functions with filters that overlap, or
// do not.
func (w *world) drawFunctions(seed uint64) {
	draw := rand.New(rand.NewPCG(seed, 3))
	if draw.IntN(3) > 0 {
		return
	}
	kinds := []consumer{
		{keep: func(string) bool { return true }},
		{mapping.Consumer{Filters: []string{oddOnly(true)}}, func(v string) bool { return strings.Contains(v, `"odd":true`) }},
		{mapping.Consumer{Filters: []string{oddOnly(false)}}, func(v string) bool { return strings.Contains(v, `"odd":false`) }},
		{mapping.Consumer{Filters: []string{`{"value":{"poison":[{"exists":false}]}}`}}, func(v string) bool { return !strings.Contains(v, "poison") }},
	}
	for i := range 2 + draw.IntN(2) {
		c := kinds[draw.IntN(len(kinds))]
		c.Function = fmt.Sprintf("f%d", i)
		w.fan = append(w.fan, c)
	}
}

// useFan makes the functions of a run with several those of its mapping. Their answers are
// no records: what those promise is of one function.
func (w *world) useFan(seed uint64) {
	if w.fan == nil {
		return
	}
	w.m.Output, w.filter, w.m.Functions = nil, false, nil
	for i, c := range w.fan {
		w.moods[c.Function] = &moods{draw: rand.New(rand.NewPCG(seed, uint64(10+i))), partial: w.m.PartialAnswers}
		w.r.Watch(c.Function, c.keeps)
		w.m.Functions = append(w.m.Functions, c.Consumer)
	}
}

func (c consumer) keeps(r *kgo.Record) bool { return c.keep(string(r.Value)) }

// answer is the function that a call is of.
func (w *world) answer(ctx context.Context, c rig.Call) function.Outcome {
	return w.moods[c.Function].answer(ctx, c)
}

// changeMood changes that of one function.
func (w *world) changeMood() {
	name := w.m.Functions[0].Function
	if w.fan != nil {
		name = w.fan[w.draw.IntN(len(w.fan))].Function
	}
	w.moods[name].change()
}

// toggleFunction takes a function out of the mapping, or puts it in again, as its owner might.
// The others do not notice.
func (w *world) toggleFunction() {
	c := w.fan[w.draw.IntN(len(w.fan))]
	has := func(m mapping.Consumer) bool { return m.Function == c.Function }
	functions := slices.Clone(w.m.Functions)
	switch {
	case !slices.ContainsFunc(functions, has):
		w.r.Watch(c.Function, c.keeps)
		functions = append(functions, c.Consumer)
	case len(functions) > 2:
		functions = slices.DeleteFunc(functions, has)
		w.r.Leave(c.Function)
	default:
		return
	}
	w.m.Functions = functions
	for _, p := range w.running {
		p.Change(w.m)
	}
}
