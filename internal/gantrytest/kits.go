package gantrytest

import (
	"os"
	"path/filepath"
	"testing"
)

// Kit gives a program of a kit that make test fetches into the cache, and skips the
// test where it is not there.
func Kit(t testing.TB, kit, program string) string {
	t.Helper()
	cache := os.Getenv("GANTRY_CACHE")
	if cache == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			t.Skipf("no home directory for the cache: %v", err)
		}
		cache = filepath.Join(home, ".cache", "gantry")
	}
	path := filepath.Join(cache, kit, "bin", program)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("%s is not in the cache (make test fetches it)", filepath.Join(kit, program))
	}
	return path
}
