package kafkatest

import (
	"os"
	"testing"
)

// Latest is the Kafka version a test gets that does not ask for one.
const Latest = "4.3.1"

// asked names the variable that turns real Kafka on: a bare "go test ./..." stays quick
// and needs only Go.
const asked = "GANTRY_TEST_KAFKA"

// Supported gives the Kafka versions there is a harness for, newest first.
func Supported() []string { return []string{Latest, "3.9.1", "3.6.2"} }

// Need skips a test, with the reason, when a real Kafka of a version cannot be had: it
// was not asked for, Java or Maven is missing, or the jars are neither cached nor to be
// downloaded. Start and Shared call it themselves.
func Need(t testing.TB, version string) {
	t.Helper()
	need(t, version)
}

func need(t testing.TB, version string) *distribution {
	t.Helper()
	if os.Getenv(asked) != "1" {
		t.Skipf("needs a real Kafka %s, which is not asked for: set %s=1 (make test and make full do)", version, asked)
	}
	d, err := prepare(version)
	if err != nil {
		t.Skipf("needs a real Kafka %s: %v", version, err)
	}
	return d
}

// full says whether GANTRY_TEST_SIZE asks for everything; any other value is the
// everyday size of make test.
func full() bool { return os.Getenv("GANTRY_TEST_SIZE") == "full" }

// Size gives the first count in an everyday run and the second in a full one
// (GANTRY_TEST_SIZE=full).
func Size(everyday, inFull int) int {
	if full() {
		return inFull
	}
	return everyday
}

// Whole skips a case that only a full run makes.
func Whole(t testing.TB) {
	t.Helper()
	if !full() {
		t.Skip("a case of make full")
	}
}

// Versions gives the Kafka versions whole suites run on: the newest, or all of them in a
// full run.
func Versions() []string {
	if full() {
		return Supported()
	}
	return []string{Latest}
}

// SmokeVersions gives the versions Versions leaves out of this run: one smoke case of a
// suite runs on each.
func SmokeVersions() []string { return Supported()[len(Versions()):] }

// Each runs fn as a subtest for each version and skips those that cannot be had.
func Each(t *testing.T, versions []string, fn func(t *testing.T, version string)) {
	t.Helper()
	for _, v := range versions {
		t.Run("kafka-"+v, func(t *testing.T) {
			Need(t, v)
			fn(t, v)
		})
	}
}
