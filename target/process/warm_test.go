//go:build linux

package process_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gantry/function"
)

// What a warm invocation costs, from the caller's Invoke to its return.
func BenchmarkWarmInvoke(b *testing.B) {
	for _, size := range []int{100, 100_000, 6_000_000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			r := newRig(b)
			in := function.Invocation{Payload: event(size)}
			timed(b, func() {
				if o := r.Invoke(b.Context(), in); o.Class != function.Succeeded {
					b.Fatal(o.Message)
				}
			})
		})
	}
}

// What a closed network adds to a warm invocation: both kinds by turns, so that whatever
// else the machine does is the same for both.
func BenchmarkClosedNetwork(b *testing.B) {
	for _, size := range []int{100, 100_000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			in := function.Invocation{Payload: event(size)}
			open, inside := newRig(b), newRig(b, closed(b, "db.internal:5432"))
			invoke := func(r *rig) time.Duration {
				begin := time.Now()
				if o := r.Invoke(b.Context(), in); o.Class != function.Succeeded {
					b.Fatal(o.Message)
				}
				return time.Since(begin)
			}
			invoke(open)
			invoke(inside)
			var without, with []time.Duration
			for b.Loop() {
				without, with = append(without, invoke(open)), append(with, invoke(inside))
			}
			slices.Sort(without)
			slices.Sort(with)
			middle := len(with) / 2
			b.ReportMetric(float64(without[middle].Microseconds()), "open-p50-µs")
			b.ReportMetric(float64(with[middle].Microseconds()), "closed-p50-µs")
			b.ReportMetric(float64((with[middle] - without[middle]).Microseconds()), "added-µs")
		})
	}
}

// The least that net/http and aws-lambda-go need between them: the same function, with a
// server that knows neither pools, deadlines, owners nor logs.
func BenchmarkBareLoop(b *testing.B) {
	for _, size := range []int{100, 100_000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			events, answers := make(chan []byte), make(chan []byte, 1)
			l, err := net.Listen("tcp4", "127.0.0.1:0")
			require.NoError(b, err)
			server := &http.Server{Handler: bareAPI(events, answers)}
			go func() { _ = server.Serve(l) }()
			defer server.Close()
			dir, err := bootstrap()
			require.NoError(b, err)
			cmd := exec.Command(filepath.Join(dir, "bootstrap"))
			cmd.Env = []string{"AWS_LAMBDA_RUNTIME_API=" + l.Addr().String()}
			require.NoError(b, cmd.Start())
			defer func() { _, _ = cmd.Process.Kill(), cmd.Wait() }()
			payload := event(size)
			timed(b, func() {
				events <- payload
				<-answers
			})
		})
	}
}

func bareAPI(events <-chan []byte, answers chan<- []byte) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/next") {
			rw.Header().Set("Lambda-Runtime-Aws-Request-Id", "1")
			rw.Header().Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(time.Minute).UnixMilli(), 10))
			_, _ = rw.Write(<-events)
			return
		}
		body, _ := io.ReadAll(r.Body)
		answers <- body
		rw.WriteHeader(http.StatusAccepted)
	}
}

func event(size int) []byte { return []byte(`"` + strings.Repeat("x", size) + `"`) }

// timed reports the median and the slow end of what it calls.
func timed(b *testing.B, call func()) {
	for range 20 { // warm
		call()
	}
	took := make([]time.Duration, 0, b.N)
	for b.Loop() {
		begin := time.Now()
		call()
		took = append(took, time.Since(begin))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
}
