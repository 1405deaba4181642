package declare_test

import (
	"errors"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"gantry/declare"
)

// probes put an unknown key into each object of a file; the fault lists the known ones.
var probes = map[string]string{
	"The file":                            "",
	"keys":                                "keys: [{PROBE}]",
	"secrets":                             "secrets: [{PROBE}]",
	"tls":                                 "tls: {PROBE}",
	"masking":                             "masking: [{PROBE}]",
	"secrets.from.vault":                  "secrets: [{from: {vault: {PROBE}}}]",
	"aws":                                 "aws: {PROBE}",
	"aws.webIdentity":                     "aws: {webIdentity: {PROBE}}",
	"aws.assumeRole":                      "aws: {assumeRole: {PROBE}}",
	"roles":                               `roles: {"arn:aws:iam::000000000000:role/r": {PROBE}}`,
	"store":                               "store: {PROBE}",
	"clusters":                            "clusters: {c: {PROBE}}",
	"clusters.schemaRegistry":             "clusters: {c: {schemaRegistry: {PROBE}}}",
	"clusters.tls":                        "clusters: {c: {tls: {PROBE}}}",
	"clusters.sasl":                       "clusters: {c: {sasl: {PROBE}}}",
	"clusters.sasl.oauth":                 "clusters: {c: {sasl: {oauth: {PROBE}}}}",
	"clusters.sasl.kerberos":              "clusters: {c: {sasl: {kerberos: {PROBE}}}}",
	"clusters.sasl.iam":                   "clusters: {c: {sasl: {iam: {PROBE}}}}",
	"networks":                            "networks: {n: {PROBE}}",
	"networks.jump":                       "networks: {n: {jump: {PROBE}}}",
	"telemetry":                           "telemetry: {PROBE}",
	"telemetry.traces":                    "telemetry: {traces: {PROBE}}",
	"telemetry.logs":                      "telemetry: {logs: {PROBE}}",
	"functions":                           "functions: {f: {PROBE}}",
	"functions.async":                     "functions: {f: {async: {PROBE}}}",
	"mappings":                            "mappings: {m: {PROBE}}",
	"mappings.pollers":                    "mappings: {m: {pollers: {PROBE}}}",
	"mappings.output":                     "mappings: {m: {output: {PROBE}}}",
	"mappings.output.schema":              "mappings: {m: {output: {schema: {PROBE}}}}",
	"mappings.output.schema.value":        "mappings: {m: {output: {schema: {value: {PROBE}}}}}",
	"functions.produce":                   "functions: {f: {produce: {PROBE}}}",
	"mappings.lanes":                      "mappings: {m: {lanes: {PROBE}}}",
	"mappings.functions":                  "mappings: {m: {functions: [{PROBE}]}}",
	"mappings.sourceAccessConfigurations": "mappings: {m: {sourceAccessConfigurations: [{PROBE}]}}",
}

const unknown = "no-such-key"

func known(t *testing.T, probe string) []string {
	text := strings.ReplaceAll(probe, "PROBE", unknown+": 1")
	if probe == "" {
		text = unknown + ": 1"
	}
	_, err := declare.Parse([]byte(text), declare.Identity{Name: "probe.yaml"})
	var faults *declare.Faults
	require.True(t, errors.As(err, &faults), "%v", err)
	for _, f := range faults.List {
		if list, ok := strings.CutPrefix(f.Text, "unknown key; known here: "); ok && strings.HasSuffix(f.Path, unknown) {
			return strings.Split(list, ", ")
		}
	}
	t.Fatalf("%s: no word of the unknown key: %v", text, err)
	return nil
}

var (
	heading = regexp.MustCompile(`^#{2,3} (.+)$`)
	code    = regexp.MustCompile("`([^`]+)`")
)

// documented reads the keys of each section: the code words of a table's first column.
func documented(page string) map[string][]string {
	keys, section := map[string][]string{}, ""
	for line := range strings.Lines(page) {
		if m := heading.FindStringSubmatch(strings.TrimSpace(line)); m != nil {
			section = m[1]
		}
		if cells := strings.Split(line, "|"); len(cells) > 2 && strings.Contains(cells[1], "`") {
			for _, m := range code.FindAllStringSubmatch(cells[1], -1) {
				keys[section] = append(keys[section], m[1])
			}
		}
	}
	return keys
}

func page(t *testing.T) string {
	text, err := os.ReadFile("../docs/configuration.md")
	require.NoError(t, err)
	return string(text)
}

func TestEveryKeyIsDocumented(t *testing.T) {
	t.Parallel()
	docs := documented(page(t))
	require.Len(t, docs, len(probes))
	for section, probe := range probes {
		want := known(t, probe)
		slices.Sort(docs[section])
		require.Equal(t, want, docs[section], section)
	}
}

func TestTheExampleOfTheDocumentIsValid(t *testing.T) {
	t.Parallel()
	_, example, _ := strings.Cut(page(t), "```yaml\n")
	example, _, _ = strings.Cut(example, "```")
	f, err := declare.Parse([]byte(example), declare.Identity{Name: "example.yaml", Dir: "/etc/gantry"})
	require.NoError(t, err)
	require.Len(t, f.Functions, 3)
	require.Len(t, f.Mappings, 1)
}

// A file of another region would declare mappings of other UUIDs than the served one.
func TestAFileOfAnotherRegionOrAccountIsRefused(t *testing.T) {
	t.Parallel()
	own := declare.Identity{Name: "f.yaml", Dir: "/", Region: "eu-west-1", AccountID: "000000000000"}
	_, err := declare.Parse([]byte("region: us-east-1\naccountId: \"111111111111\"\n"), own)
	require.ErrorContains(t, err, `f.yaml:1: region: is "us-east-1", and the gantry it is applied to has "eu-west-1"`)
	require.ErrorContains(t, err, "f.yaml:2: accountId")
	_, err = declare.Parse([]byte("region: eu-west-1\n"), own)
	require.NoError(t, err)
}
