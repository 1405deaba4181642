package simulation

import (
	"flag"
	"fmt"
	"os"
	"testing"
	"testing/synctest"
)

var (
	seed = flag.Uint64("seed", 0, "run this seed alone")
	many = flag.Uint64("seeds", 0, "run this many seeds")
)

// seeds is how many there are in this run.
func seeds() uint64 {
	switch {
	case *many != 0:
		return *many
	case os.Getenv("GANTRY_TEST_SIZE") == "soak":
		return 5000
	case testing.Short():
		return 10
	}
	return 100
}

func TestFaultsDrawnFromASeed(t *testing.T) {
	t.Parallel()
	if *seed != 0 {
		synctest.Test(t, func(t *testing.T) { newWorld(t, *seed).run() })
		return
	}
	for s := uint64(1); s <= seeds(); s++ {
		t.Run(fmt.Sprint(s), func(t *testing.T) {
			t.Parallel()
			t.Cleanup(func() {
				if t.Failed() {
					t.Logf("replay: go test ./test/simulation -run TestFaultsDrawnFromASeed -seed=%d -v", s)
				}
			})
			synctest.Test(t, func(t *testing.T) { newWorld(t, s).run() })
		})
	}
}
