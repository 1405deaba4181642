package process

import (
	"context"
	"sync"
	"testing"
	"time"
)

// A program that is asked something lives on while threads of pools end: the kernel kills a
// child when the thread that forked it ends, and a thread that waits for one may be taken by
// whoever locks it and ends it.
func TestQuestionsOutliveThreads(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithTimeout(t.Context(), 3*time.Second)
	defer stop()
	var ending sync.WaitGroup
	for range 4 {
		ending.Go(func() {
			for ctx.Err() == nil {
				th := newThread()
				_ = th.do(func() error { return nil })
				th.end()
			}
		})
	}
	var asking sync.WaitGroup
	for range 16 {
		asking.Go(func() {
			for ctx.Err() == nil {
				said, err := ask(context.Background(), question{argv: []string{"/bin/sh", "-c", "sleep 0.1; echo said"}, path: "/bin:/usr/bin", dir: "/"})
				if !assertSaid(t, said, err) {
					return
				}
			}
		})
	}
	asking.Wait()
	ending.Wait()
}

func assertSaid(t *testing.T, said string, err error) bool {
	t.Helper()
	if err != nil || said != "said" {
		t.Errorf("%q, %v", said, err)
	}
	return err == nil
}
