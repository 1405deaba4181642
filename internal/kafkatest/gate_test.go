package kafkatest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestLockFileAdmitsOneProcess(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("real Kafka does not run in the tests there")
	}
	path := filepath.Join(t.TempDir(), "lock")
	unlock, err := lockFile(path)
	require.NoError(t, err)
	second := make(chan struct{})
	go func() {
		defer close(second)
		if again, err := lockFile(path); err == nil {
			again()
		}
	}()
	select {
	case <-second:
		t.Fatal("two hold the lock")
	case <-time.After(50 * time.Millisecond):
	}
	unlock()
	<-second
}

func TestNeedSaysWhy(t *testing.T) {
	t.Setenv(asked, "")
	reason := skipped(func(t testing.TB) { Need(t, Latest) })
	require.Contains(t, reason, "GANTRY_TEST_KAFKA=1")
	t.Setenv(asked, "1")
	t.Setenv("JAVA_HOME", "")
	t.Setenv("PATH", t.TempDir())
	require.Contains(t, skipped(func(t testing.TB) { Need(t, Latest) }), "java is not on PATH")
	require.Contains(t, skipped(func(t testing.TB) { Need(t, "2.8.0") }), "only for 4.3.1, 3.9.1, 3.6.2")
}

func TestNeedSaysThatMavenIsMissing(t *testing.T) {
	if _, err := findJava(Latest); err != nil {
		t.Skip(err)
	}
	java, err := exec.LookPath("java")
	require.NoError(t, err)
	bin := t.TempDir()
	require.NoError(t, os.Symlink(java, filepath.Join(bin, "java")))
	t.Setenv(asked, "1")
	t.Setenv("GANTRY_CACHE", t.TempDir())
	t.Setenv("JAVA_HOME", "")
	t.Setenv("PATH", bin)
	require.Contains(t, skipped(func(t testing.TB) { Need(t, Latest) }), "mvn, which downloads them, is not on PATH")
}

// skipper records a skip instead of ending the test.
type skipper struct {
	testing.TB
	reason string
}

func (s *skipper) Helper() {}

func (s *skipper) Skipf(format string, args ...any) {
	s.reason = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

func skipped(fn func(t testing.TB)) string {
	s, done := &skipper{}, make(chan struct{})
	go func() {
		defer close(done)
		fn(s)
	}()
	<-done
	return s.reason
}

func TestSizesAndVersions(t *testing.T) {
	t.Setenv("GANTRY_TEST_SIZE", "")
	require.Equal(t, []string{"4.3.1"}, Versions())
	require.Equal(t, []string{"3.9.1", "3.6.2"}, SmokeVersions())
	require.Equal(t, 3, Size(3, 9))
	t.Setenv("GANTRY_TEST_SIZE", "full")
	require.Equal(t, []string{"4.3.1", "3.9.1", "3.6.2"}, Versions())
	require.Empty(t, SmokeVersions())
	require.Equal(t, 9, Size(3, 9))
}
