package main

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Size is how much of a part is run.
type Size string

// The sizes.
const (
	Test Size = "test"
	Full Size = "full"
	Soak Size = "soak"
	Fuzz Size = "fuzz"
)

var sizes = map[string]Size{"test": Test, "full": Full, "soak": Soak, "fuzz": Fuzz}

// Part is a set of packages and the way to run them.
type Part struct {
	Name     string
	About    string
	Packages []string               // folders, with everything under them; none = see Rest and Kafka
	Rest     bool                   // every package that no other part names
	Gated    bool                   // those of Rest whose tests can use a real Kafka
	Timeout  map[Size]time.Duration // of each package; a size that is not here does not run the part
	Race     bool
	Within   string // the part that runs the same tests: in size "test" one of the two is enough
	Proof    bool   // it proves that nothing is lost, hidden or let in: one failure is the verdict
	Kafka    bool   // with a real Kafka: never from the test cache, and not with as much at once as others (crowd)
	Needs    []Tool // without them the part is skipped
	Wants    []Tool // without them some of its tests skip themselves
	Kits     []Kit  // fetched into the cache before the parts run

	alone string // the one test that is run, by itself (unsteady.go)

	Fuzz   bool          // it stands for all fuzz targets; each becomes a part of its own (fuzz.go)
	Target string        // the one it runs
	Spend  time.Duration // on it
}

// parts is the table of what there is to run, in the order it runs: what fails fast first.
// A suite that is new under test/ gets its line here; until then it runs with "unit".
var parts = []Part{
	{
		Name: "unit", About: "every package outside the suites, as a bare go test does",
		Rest: true, Within: "race", Wants: []Tool{postgres, mariadb},
		Timeout: map[Size]time.Duration{Test: 5 * time.Minute, Full: 10 * time.Minute},
	},
	{
		Name: "race", About: "the same under the race detector",
		Rest: true, Race: true, Needs: []Tool{compiler},
		Timeout: map[Size]time.Duration{Test: 10 * time.Minute, Full: 20 * time.Minute, Soak: time.Hour},
	},
	{
		Name: "kafka", About: "package tests that use a real Kafka where there is one",
		Gated: true, Kafka: true, Wants: []Tool{java, maven},
		Timeout: map[Size]time.Duration{Test: 10 * time.Minute, Full: 30 * time.Minute},
	},
	{
		Name: "conformance", About: "AWS's own clients, runtimes and rule engine against ours; each way to log in against real brokers",
		Packages: []string{"test/conformance"}, Kafka: true, Wants: []Tool{java, maven, node, kerberos}, Kits: []Kit{stsServer, awsClients, policyReference, pythonFunctions, schemaReaders},
		Timeout: map[Size]time.Duration{Test: 15 * time.Minute, Full: 45 * time.Minute},
	},
	{
		Name: "e2e", About: "the binary on a real Kafka, as a user runs it",
		Packages: []string{"test/e2e"}, Kafka: true, Wants: []Tool{java, maven, python, node},
		Kits:    []Kit{awsClients, pythonFunctions, awsServer},
		Timeout: map[Size]time.Duration{Test: 20 * time.Minute, Full: time.Hour},
	},
	{
		Name: "assess", About: "a cluster of known shapes, surveyed: what is said of it, how long it takes, what it costs the broker; the report, and the page of a shadow run, in a browser",
		Packages: []string{"test/assess"}, Kafka: true, Wants: []Tool{java, maven, chromium},
		Timeout: map[Size]time.Duration{Test: 10 * time.Minute, Full: 30 * time.Minute},
	},
	{
		Name: "letters", About: "dead letters on topics, in SQS, SNS and S3: found, redriven, each record counted",
		Packages: []string{"test/letters"}, Proof: true, Kafka: true, Wants: []Tool{java, maven, python}, Kits: []Kit{awsServer},
		Timeout: map[Size]time.Duration{Test: 10 * time.Minute, Full: 30 * time.Minute},
	},
	{
		Name: "attack", About: "hostile callers, files and functions, each attempt refused",
		Packages: []string{"test/attack"}, Proof: true, Kafka: true, Wants: []Tool{chromium},
		Timeout: map[Size]time.Duration{Test: 10 * time.Minute, Full: 30 * time.Minute},
	},
	{
		Name: "fault", About: "kill -9, rebalances, lying functions, lost sources",
		Packages: []string{"test/fault"}, Proof: true, Kafka: true, Wants: []Tool{java, maven, python},
		Timeout: map[Size]time.Duration{Test: 20 * time.Minute, Full: 2 * time.Hour, Soak: 6 * time.Hour},
	},
	{
		Name: "watch", About: "alerts in a real Prometheus, the dashboard, traces in a receiver, the log",
		Packages: []string{"test/watch"}, Kafka: true, Wants: []Tool{java, maven, python, node, promtool}, Kits: []Kit{grafanaTypes},
		Timeout: map[Size]time.Duration{Test: 10 * time.Minute, Full: 20 * time.Minute},
	},
	{
		Name: "network", About: "brokers and AWS behind proxies and jump hosts, each machine a network namespace",
		Packages: []string{"test/network"}, Kafka: true, Wants: []Tool{java, maven, python, namespaces, proxies},
		Kits:    []Kit{awsServer},
		Timeout: map[Size]time.Duration{Test: 10 * time.Minute, Full: 20 * time.Minute},
	},
	{
		Name: "integrations", About: "integrations from a topic to real and AWS-compatible servers, in gantry and as deployed functions",
		Packages: []string{"test/integrations"}, Kafka: true, Wants: []Tool{java, maven, python, postgres, mariadb},
		Kits:    []Kit{awsServer, awsClients, tableReaders},
		Timeout: map[Size]time.Duration{Test: 10 * time.Minute, Full: time.Hour},
	},
	{
		Name: "migrate", About: "old services go over to functions and back under load; to AWS: templates before its linters and applied again, the hand-over of a group between two gantrys, the page on leaving",
		Packages: []string{"test/migrate"}, Proof: true, Kafka: true, Wants: []Tool{java, maven, python}, Kits: []Kit{templateLinters, schemaReaders},
		Timeout: map[Size]time.Duration{Test: 15 * time.Minute, Full: time.Hour},
	},
	{
		Name: "simulation", About: "the whole pipeline under faults drawn from a seed",
		Packages: []string{"test/simulation"}, Proof: true,
		Timeout: map[Size]time.Duration{Test: 10 * time.Minute, Full: 30 * time.Minute, Soak: 6 * time.Hour},
	},
	{
		Name: "fuzz", About: "inputs made up by Go's fuzzer, two seconds for each target here, 30 processor minutes in make fuzz",
		Fuzz: true, Proof: true,
		Timeout: map[Size]time.Duration{Test: 5 * time.Minute, Fuzz: time.Hour},
	},
	{
		Name: "release", About: "what make release makes: twice the same bytes, installed and started",
		Packages: []string{"test/release"}, Wants: []Tool{systemd, rpmTool}, Kits: []Kit{hadolint},
		Timeout: map[Size]time.Duration{Test: 10 * time.Minute, Full: time.Hour},
	},
	{
		Name: "docs", About: "the first week, lived as docs/guide/first-week.md writes it",
		Packages: []string{"test/docs"}, Kafka: true, Wants: []Tool{java, maven, python, postgres},
		Timeout: map[Size]time.Duration{Test: 5 * time.Minute, Full: 15 * time.Minute},
	},
}

// choose gives the parts of a size, or of those the ones named.
func choose(size Size, only []string) ([]Part, error) {
	var chosen []Part
	var names []string
	for _, p := range parts {
		if p.Timeout[size] == 0 {
			continue
		}
		names = append(names, p.Name)
		if len(only) == 0 || slices.Contains(only, p.Name) {
			chosen = append(chosen, p)
		}
	}
	for _, name := range only {
		if !slices.Contains(names, name) {
			return nil, fmt.Errorf("%s has no part %q; it has %s", size, name, strings.Join(names, ", "))
		}
	}
	return chosen, nil
}

// packagesOf gives the import paths a part runs, out of all of the module.
func packagesOf(p Part, all []Package) []string {
	var paths []string
	for _, pkg := range all {
		named := claimed(p.Packages, pkg.Dir) && (p.Target == "" || pkg.Dir == p.Packages[0])
		if p.Rest || p.Gated {
			named = !slices.ContainsFunc(parts, func(o Part) bool { return claimed(o.Packages, pkg.Dir) })
		}
		if named && (!p.Gated || pkg.Gated) {
			paths = append(paths, pkg.Path)
		}
	}
	return paths
}

func claimed(folders []string, dir string) bool {
	return slices.ContainsFunc(folders, func(f string) bool { return dir == f || strings.HasPrefix(dir, f+"/") })
}
