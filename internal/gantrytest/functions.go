package gantrytest

import (
	"archive/zip"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// JournalPython is a Python function that notes what it gets.
const JournalPython = `import json, os, time
path = os.path.join(os.environ["JOURNAL"], "py-%d-%d.jsonl" % (os.getpid(), time.time_ns()))
out = open(path, "a", buffering=1)
pause = float(os.environ.get("PAUSE", "0"))

def handler(event, context):
    at = time.time_ns()
    lines = [{"at": at, "p": key, "o": [r["offset"] for r in records]} for key, records in event["records"].items()]
    out.write(json.dumps(lines) + "\n")
    if pause:
        time.sleep(pause)
`

// What else JournalGo does is told by its environment: PauseVariable is how long it
// takes; while the file HealVariable names is not there, it fails every batch that has
// one of the records in FailVariable, written orders-0@17,orders-1@4; with
// PartialVariable it reports just those records as failed instead.
const (
	PauseVariable = "PAUSE"
	FailVariable  = "FAIL"
	HealVariable  = "HEAL"

	PartialVariable = "PARTIAL"
)

// JournalGo is a Go function for provided.al2023 that notes what it gets.
const JournalGo = `package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
)

type delivery struct {
	At int64   ` + "`json:\"at\"`" + `
	P  string  ` + "`json:\"p\"`" + `
	O  []int64 ` + "`json:\"o\"`" + `
	F  []int64 ` + "`json:\"f,omitempty\"`" + `
}

// bad says whether a record is to fail now.
func bad() func(string, int64) bool {
	list := map[string]bool{}
	for _, name := range strings.Split(os.Getenv("FAIL"), ",") {
		list[name] = true
	}
	if _, err := os.Stat(os.Getenv("HEAL")); err == nil {
		clear(list)
	}
	return func(key string, offset int64) bool { return len(list) > 0 && list[fmt.Sprintf("%s@%d", key, offset)] }
}

func main() {
	out, err := os.Create(fmt.Sprintf("%s/go-%d-%d.jsonl", os.Getenv("JOURNAL"), os.Getpid(), time.Now().UnixNano()))
	if err != nil {
		panic(err)
	}
	pause, _ := time.ParseDuration(os.Getenv("PAUSE"))
	partial := os.Getenv("PARTIAL") != ""
	lambda.Start(func(_ context.Context, e events.KafkaEvent) (any, error) {
		at := time.Now().UnixNano()
		var lines []delivery
		var report struct {
			BatchItemFailures []any ` + "`json:\"batchItemFailures\"`" + `
		}
		fails := bad()
		for key, records := range e.Records {
			d := delivery{At: at, P: key}
			for _, r := range records {
				d.O = append(d.O, r.Offset)
				if fails(key, r.Offset) {
					d.F = append(d.F, r.Offset)
					report.BatchItemFailures = append(report.BatchItemFailures,
						map[string]any{"itemIdentifier": map[string]any{"partition": key, "offset": r.Offset}})
				}
			}
			lines = append(lines, d)
		}
		whole := len(report.BatchItemFailures) > 0 && !partial
		for i := range lines {
			if whole {
				lines[i].F = lines[i].O
			}
		}
		body, err := json.Marshal(lines)
		if err != nil {
			return nil, err
		}
		if _, err := out.Write(append(body, '\n')); err != nil {
			return nil, err
		}
		time.Sleep(pause)
		switch {
		case whole:
			return nil, errors.New("a record of this batch is to fail")
		case partial:
			return report, nil
		}
		return nil, nil
	})
}
`

var builds sync.Map // source → func() (string, error)

// GoFunction builds a Go function inside this module, once for each source, and gives
// the folder with its bootstrap.
func GoFunction(t testing.TB, source string) string {
	t.Helper()
	once, _ := builds.LoadOrStore(source, sync.OnceValues(func() (string, error) { return buildFunction(source) }))
	dir, err := once.(func() (string, error))()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func buildFunction(source string) (string, error) {
	dir, err := os.MkdirTemp("", "gantry-function-")
	if err != nil {
		return "", err
	}
	main := filepath.Join(dir, "main.go")
	if err := os.WriteFile(main, []byte(source), 0o600); err != nil {
		return "", err
	}
	out, err := exec.Command("go", "build", "-tags", "lambda.norpc", "-o", filepath.Join(dir, "code", "bootstrap"), main).CombinedOutput()
	if err != nil {
		return "", &buildError{string(out), err}
	}
	return filepath.Join(dir, "code"), nil
}

type buildError struct {
	out string
	err error
}

func (e *buildError) Error() string { return "build the function: " + e.err.Error() + "\n" + e.out }

// PythonFunction writes a Python function and gives its folder.
func PythonFunction(t testing.TB, source string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "app.py"), []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// Zip packs a folder as a deployment package.
func Zip(t testing.TB, dir string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	if err := w.AddFS(os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
