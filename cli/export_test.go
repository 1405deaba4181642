package cli_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclparse"
	"github.com/stretchr/testify/require"

	"gantry/cli"
	"gantry/declare"
	"gantry/integration"
	"gantry/migrate/export"
)

var update = flag.Bool("update", false, "rewrite the case files with what the code does")

// fromFiles carries out a command line that may work from configuration files.
func fromFiles(t *testing.T, line ...string) said {
	t.Helper()
	var out, errs bytes.Buffer
	small, _ := exec.LookPath("true") // packing the test's own program takes the race detector a minute
	root := cli.New(cli.Config{
		Out: &out, Err: &errs, Getenv: func(string) string { return "" }, Binary: small,
		Local: func(_ context.Context, path string) (*cli.Local, error) {
			text, err := os.ReadFile(path)
			if err != nil {
				return nil, err
			}
			dir, err := filepath.Abs(filepath.Dir(path))
			if err != nil {
				return nil, err
			}
			file, err := declare.Parse(text, declare.Identity{Name: path, Dir: dir, Integration: integration.Check})
			return &cli.Local{File: file, Close: func() error { return nil }}, err
		},
	})
	code := cli.Run(t.Context(), root, line)
	return said{code, out.String(), errs.String()}
}

// Each file of testdata/export is a configuration; beside it lie what export refuses of
// it, and the templates it gives when all is accepted.
func TestExportedTemplates(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/export/*.yaml")
	require.NoError(t, err)
	seen := 0
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		if strings.Contains(name, ".") {
			continue // a template
		}
		seen++
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lacks := lacksOf(t, file)
			refused := fromFiles(t, "export", "sam", "--all", "-c", file)
			if len(lacks) > 0 {
				require.Equal(t, 1, refused.code, refused.err)
				require.Empty(t, refused.out, "nothing is written of what is refused")
				golden(t, "testdata/export/"+name+".refused.txt", refused.err)
			} else {
				require.Equal(t, 0, refused.code, refused.err)
			}
			for kind, ending := range map[string]string{"sam": ".sam.yaml", "cloudformation": ".cloudformation.yaml", "terraform": ".tf"} {
				got := fromFiles(t, "export", kind, "--all", "--accept", "all", "-c", file)
				require.Equal(t, 0, got.code, got.err)
				golden(t, "testdata/export/"+name+ending, got.out)
				if kind == "terraform" {
					parses(t, got.out)
				}
				for _, f := range lacks {
					require.Regexp(t, `(?m)^ *# .*`+regexp.QuoteMeta("not in AWS: "+f.Name+" ("+f.Of+"). Here: "+f.Here), got.out)
				}
				require.Equal(t, got, fromFiles(t, "export", kind, "--all", "--accept", "all", "-c", file, "-o", "-"), "the same file gives the same bytes")
			}
		})
	}
	require.GreaterOrEqual(t, seen, 4)
}

// Every feature that may be lacking has a case: here, or, where no file can say it, in
// package migrate/export.
func TestEveryFeatureHasACase(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/export/*.refused.txt")
	require.NoError(t, err)
	var all strings.Builder
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		all.Write(text)
	}
	elsewhere := []string{"event-source", "filter-fields", "functions", "timeout", "topics"}
	for _, known := range export.Catalogue() {
		here := strings.Contains(all.String(), "\n  "+known.Name+" (")
		require.NotEqual(t, slices.Contains(elsewhere, known.Name), here, known.Name)
	}
}

func lacksOf(t *testing.T, file string) []export.Feature {
	t.Helper()
	var out export.Result
	require.NoError(t, json.Unmarshal([]byte(fromFiles(t, "export", "sam", "--all", "--accept", "all", "-c", file, "-o", "json").out), &out))
	return out.Lacks
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err, "run the test with -update")
	require.Equal(t, string(want), got, "%s: run with -update and read the diff", path)
}

// parses holds a file against Terraform's own parser.
func parses(t *testing.T, text string) {
	t.Helper()
	file, problems := hclparse.NewParser().ParseHCL([]byte(text), "main.tf")
	require.False(t, problems.HasErrors(), "%v\n%s", problems, text)
	content, problems := file.Body.Content(&hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{
		{Type: "terraform"}, {Type: "variable", LabelNames: []string{"name"}}, {Type: "output", LabelNames: []string{"name"}},
		{Type: "data", LabelNames: []string{"kind", "name"}}, {Type: "resource", LabelNames: []string{"kind", "name"}},
	}})
	require.False(t, problems.HasErrors(), "%v\n%s", problems, text)
	named := map[string]bool{}
	for _, block := range content.Blocks {
		at := block.Type + " " + strings.Join(block.Labels, " ")
		require.False(t, named[at], "%s is there twice", at)
		named[at] = true
	}
}

// What is accepted by name is exported, the rest is refused; a name that is none is told.
func TestExportAcceptsByName(t *testing.T) {
	t.Parallel()
	const file = "testdata/export/plain.yaml"
	got := fromFiles(t, "export", "sam", "orders-to-validate", "-c", file, "--accept", "destination-failure", "-o", "json")
	require.Equal(t, 0, got.code, got.err)
	var out export.Result
	require.NoError(t, json.Unmarshal([]byte(got.out), &out))
	require.Len(t, out.Lacks, 1)
	require.Equal(t, "order-validate.zip", out.Packages[0].File)
	require.NotEmpty(t, out.Parameters)
	require.Contains(t, strings.Join(out.Steps, "\n"), "gantry export handover orders-to-validate --aws-mapping UUID")

	got = fromFiles(t, "export", "sam", "orders-to-validate", "-c", file, "--accept", "destination-failures")
	require.Equal(t, 1, got.code)
	require.Contains(t, got.err, "there is no such feature; there are")
	got = fromFiles(t, "export", "terraform", "nope", "-c", file)
	require.Equal(t, 1, got.code)
	require.Contains(t, got.err, `has no "nope"`)
	require.Equal(t, 2, fromFiles(t, "export", "sam", "-c", file).code, "neither a name nor --all")
	require.Equal(t, 2, fromFiles(t, "export", "sam", "a", "--all", "-c", file).code)
}

// -o DIR writes the template and the packages; what is there stays.
func TestExportIntoAFolder(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "aws")
	line := []string{"export", "terraform", "--all", "--accept", "all", "-c", "testdata/export/plain.yaml", "-o", dir}
	got := fromFiles(t, line...)
	require.Equal(t, 0, got.code, got.err)
	for _, name := range []string{"main.tf", "order-validate.zip"} {
		require.FileExists(t, filepath.Join(dir, name))
		require.Contains(t, got.out, name)
	}
	require.Contains(t, got.err, "asks for order_validate_db_password_secret")
	got = fromFiles(t, line...)
	require.Equal(t, 1, got.code)
	require.Contains(t, got.err, "is there already")
	require.Equal(t, 0, fromFiles(t, append(line, "--overwrite")...).code)
}

// The package of a ready-made function is this binary.
func TestExportOfAnIntegrationIntoAFolder(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		t.Skip("this binary is none for a function of AWS with amd64")
	}
	dir := t.TempDir()
	got := fromFiles(t, "export", "sam", "--all", "--accept", "all", "-c", "testdata/export/integration.yaml", "-o", dir)
	require.Equal(t, 0, got.code, got.err)
	z, err := zip.OpenReader(filepath.Join(dir, "ship.zip"))
	require.NoError(t, err)
	defer z.Close()
	require.Equal(t, "bootstrap", z.File[0].Name)
	require.NotContains(t, got.err, "gantry integration package", "it is done")
}

func TestHandOverIsCalledRightly(t *testing.T) {
	t.Parallel()
	got := fromFiles(t, "export", "handover", "orders", "--aws-mapping", "short")
	require.Equal(t, 2, got.code)
	require.Contains(t, got.err, "--aws-mapping")
	require.Contains(t, got.err, "--reason")
}
