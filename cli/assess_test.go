package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"gantry/cli"
	"gantry/internal/surveytest"
	"gantry/migrate/assess/cost"
	"gantry/workload"
)

// typed carries out a command line without a gantry.
func typed(t *testing.T, line ...string) (code int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	root := cli.New(cli.Config{In: strings.NewReader(""), Out: &o, Err: &e, Getenv: func(string) string { return "" },
		Local: func(context.Context, string) (*cli.Local, error) { return nil, io.ErrUnexpectedEOF }})
	return cli.Run(t.Context(), root, line), o.String(), e.String()
}

// shop saves the shop's survey and facts in a folder.
func shop(t *testing.T) (folder, survey, facts string) {
	t.Helper()
	folder = t.TempDir()
	text, err := json.Marshal(surveytest.Shop())
	require.NoError(t, err)
	survey, facts = filepath.Join(folder, "survey.json"), filepath.Join(folder, "services.yaml")
	require.NoError(t, os.WriteFile(survey, text, 0o600))
	require.NoError(t, os.WriteFile(facts, []byte(surveytest.ShopFacts), 0o600))
	return folder, survey, facts
}

func TestAssessSaved(t *testing.T) {
	t.Parallel()
	folder, survey, facts := shop(t)
	html := filepath.Join(folder, "report.html")
	code, out, errs := typed(t, "assess", "--from", survey, "--facts", facts, "--html", html)
	require.Zero(t, code, errs)
	require.True(t, strings.HasPrefix(out, "move first: invoicing\n"), out)
	require.Regexp(t, `(?m)^order-validation +plain consumer +function +11\.\d\d \(\d.*\) +1 +high +Lambda costs`, out)
	require.Regexp(t, `(?m)^payment-ledger +plain consumer +function, here `, out)
	require.Regexp(t, `(?m)^customer-views +Kafka Streams +container +- +- `, out)
	require.Contains(t, out, "report: "+html)
	require.NotContains(t, out, "\x1b", "no colours in a file")
	page, err := os.ReadFile(html)
	require.NoError(t, err)
	require.Contains(t, string(page), "Move this service first")
}

func TestAssessJSON(t *testing.T) {
	t.Parallel()
	_, survey, facts := shop(t)
	code, out, errs := typed(t, "assess", "--from", survey, "--facts", facts, "-o", "json")
	require.Zero(t, code, errs)
	var judged workload.Assessment
	require.NoError(t, json.Unmarshal([]byte(out), &judged))
	require.Equal(t, "invoicing", judged.First.Service)
	require.Len(t, judged.Services, 14)
}

// TestAssessFacts: the questions are written once, and read as they are.
func TestAssessFacts(t *testing.T) {
	t.Parallel()
	folder, survey, _ := shop(t)
	name := filepath.Join(folder, "asked.yaml")
	code, out, errs := typed(t, "assess", "--from", survey, "--write-facts", name)
	require.Zero(t, code, errs)
	require.Contains(t, out, "asks about 14 groups")
	code, _, errs = typed(t, "assess", "--from", survey, "--write-facts", name)
	require.Equal(t, 1, code)
	require.Contains(t, errs, "is there already and may hold answers")
	code, _, errs = typed(t, "assess", "--from", survey, "--facts", name)
	require.Zero(t, code, errs)
}

func TestAssessPrices(t *testing.T) {
	t.Parallel()
	folder, survey, _ := shop(t)
	code, out, _ := typed(t, "assess", "--write-prices")
	require.Zero(t, code)
	require.Equal(t, string(cost.Default), out)
	name := filepath.Join(folder, "ours.yaml")
	require.NoError(t, os.WriteFile(name, []byte(strings.Replace(out, "us-east-1", "moon-1", 1)), 0o600))
	code, out, errs := typed(t, "assess", "--from", survey, "--prices", name)
	require.Zero(t, code, errs)
	require.Contains(t, out, "list prices of moon-1")
}

// TestAssessRefused: every fault of every file at once, before anything is asked.
func TestAssessRefused(t *testing.T) {
	t.Parallel()
	folder, survey, _ := shop(t)
	bad := filepath.Join(folder, "bad.yaml")
	require.NoError(t, os.WriteFile(bad, []byte("services: {a: {memory: lots, colour: red}}\n"), 0o600))
	code, _, errs := typed(t, "assess", "-c", "gantry.yaml", "--cluster", "onprem", "--facts", bad, "--prices", bad, "--manifests", filepath.Join(folder, "none"))
	require.Equal(t, 1, code)
	for _, want := range []string{"memory: want a size", "colour: unknown key", "region: is missing", "none: no such file"} {
		require.Contains(t, errs, want)
	}
	for call, want := range map[string]string{
		"assess": "which cluster?", "assess -c f": "which cluster?", "assess --from x --quick --cluster y": "leave out --cluster or --from",
		"assess -c f --cluster y --days 0": "want 1 to 365", "assess -c f --cluster y --quick --days 3": "a quick survey is one day",
	} {
		code, _, errs := typed(t, strings.Fields(call)...)
		require.Equal(t, 2, code, call)
		require.Contains(t, errs, want, call)
	}
	wrong := filepath.Join(folder, "wrong.yaml")
	require.NoError(t, os.WriteFile(wrong, []byte("services: {invoicin: {memory: 1GB}}\n"), 0o600))
	code, _, errs = typed(t, "assess", "--from", survey, "--facts", wrong, "--html", filepath.Join(folder, "r.html"))
	require.Equal(t, 1, code)
	require.Contains(t, errs, "services.invoicin: the survey has no such group")
	require.NoFileExists(t, filepath.Join(folder, "r.html"), "a refused call changes nothing")
	code, _, errs = typed(t, "assess", "--from", wrong)
	require.Equal(t, 1, code)
	require.Contains(t, errs, "it is written by gantry assess --survey FILE")
}
