package wave_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gantry/migrate/assess/wave"
	"gantry/workload"
)

// service reads and writes topics: "a b > c d".
func service(name, flow string, cost float64) workload.Service {
	in, out, _ := strings.Cut(flow, ">")
	s := workload.Service{Group: name, Class: workload.Plain, Reads: strings.Fields(in)}
	s.Facts.PerRecord = workload.Fact[time.Duration]{Value: time.Millisecond, From: workload.Given}
	s.Facts.Writes = workload.Fact[[]string]{Value: strings.Fields(out), From: workload.Given}
	s.Verdict = workload.Verdict{Target: workload.ToFunction, Cost: workload.Money{Mid: cost}, Confidence: workload.Confidence{Grade: "high"}}
	return s
}

func order(services ...workload.Service) []workload.Wave {
	return wave.Order(services, wave.Feeds(services))
}

// drawn is an order as text: waves by lines, units by blanks, circles by plus.
func drawn(waves []workload.Wave) string {
	var lines []string
	for _, w := range waves {
		var units []string
		for _, u := range w.Units {
			units = append(units, strings.Join(u.Services, "+"))
		}
		lines = append(lines, strings.Join(units, " "))
	}
	return strings.Join(lines, " | ")
}

func TestOrder(t *testing.T) {
	t.Parallel()
	require.Equal(t, "a | b | c", drawn(order(service("c", "y > z", 1), service("b", "x > y", 1), service("a", "in > x", 1))))
	require.Equal(t, "b a c", drawn(order(service("a", "in >", 2), service("b", "in >", 1), service("c", "in >", 3))), "the cheapest first")
	require.Equal(t, "a+b | c", drawn(order(service("a", "x > y", 1), service("b", "y > x", 1), service("c", "x >", 1))), "a circle moves together")
	require.Equal(t, "a | b | d", drawn(order(service("a", "in > x y", 1), service("b", "x > y", 1), service("d", "y >", 1))), "the longest way counts")
	require.Equal(t, "a", drawn(order(service("a", "x > x", 1))), "a loop on one topic binds nobody")
	stays := service("s", "in > x", 1)
	stays.Verdict.Target = workload.ToStay
	require.Equal(t, "a", drawn(order(stays, service("a", "x >", 1))), "what stays holds nobody up")
	streams := service("k", "in >", 1)
	streams.Class = workload.Streams
	require.Empty(t, order(streams))
	waves := order(service("a", "in > x", 1), service("b", "x >", 2))
	require.Equal(t, []string{"a"}, waves[1].Units[0].After)
	require.InDelta(t, 2, waves[1].Units[0].Cost.Mid, 0)
}

// TestAnyGraph draws graphs: everybody is moved once, and who feeds is never later.
func TestAnyGraph(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		dice := rand.New(rand.NewPCG(seed, 0))
		var services []workload.Service
		for i := range 12 {
			services = append(services, service(fmt.Sprintf("s%d", i), fmt.Sprintf("t%d > t%d t%d", dice.IntN(12), dice.IntN(30), dice.IntN(30)), 1))
		}
		at, unit := map[string]int{}, map[string]string{}
		for _, w := range order(services...) {
			for _, u := range w.Units {
				for _, s := range u.Services {
					require.NotContains(t, at, s, "seed %d", seed)
					at[s], unit[s] = w.Number, u.Services[0]
				}
			}
		}
		require.Len(t, at, len(services))
		feeds := wave.Feeds(services)
		for _, f := range feeds {
			if unit[f.From] != unit[f.To] {
				require.Less(t, at[f.From], at[f.To], "seed %d: %v", seed, f)
			}
		}
		for a := range at {
			for b := range at {
				together := a == b || reaches(feeds, a, b) && reaches(feeds, b, a)
				require.Equal(t, together, unit[a] == unit[b], "seed %d: %s and %s", seed, a, b)
			}
		}
	}
}

func reaches(feeds []workload.Feed, from, to string) bool {
	seen, todo := map[string]bool{from: true}, []string{from}
	for len(todo) > 0 {
		n := todo[0]
		todo = todo[1:]
		for _, f := range feeds {
			if f.From == n && f.To == to {
				return true
			}
			if f.From == n && !seen[f.To] {
				seen[f.To] = true
				todo = append(todo, f.To)
			}
		}
	}
	return false
}

func TestFirst(t *testing.T) {
	t.Parallel()
	behind := service("behind", "in >", 0.01)
	behind.Verdict.Rules = []workload.Rule{{Name: "it is behind", Kind: workload.Caution, Answer: workload.Fired, Saw: "a lot"}}
	box := service("box", "in >", 0.02)
	box.Verdict.Target = workload.ToContainer
	unsure := service("unsure", "in >", 0.03)
	unsure.Verdict.Open = []string{"state kept between records"}
	later := service("later", "x >", 0.04)
	guessed := service("guessed", "in >", 0.05)
	guessed.Facts.PerRecord.From = workload.Assumed
	services := []workload.Service{behind, box, unsure, guessed, service("dear", "in >", 9), service("cheap", "in > x", 5), later}
	first := wave.First(services, wave.Order(services, wave.Feeds(services)))
	require.Equal(t, "cheap", first.Service)
	require.Empty(t, first.But)
	require.Equal(t, "dear", first.Next)
	require.True(t, slices.ContainsFunc(first.Why, func(s string) bool { return strings.Contains(s, "another service waits to be moved after it") }))

	alone := []workload.Service{behind}
	first = wave.First(alone, wave.Order(alone, nil))
	require.Equal(t, []string{"it is behind: a lot"}, first.But)
	ring := []workload.Service{service("a", "x > y", 2), service("b", "y > x", 1)}
	require.Equal(t, "b", wave.First(ring, wave.Order(ring, wave.Feeds(ring))).Service)
	require.Nil(t, wave.First(nil, nil))
}
