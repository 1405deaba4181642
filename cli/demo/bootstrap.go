// Package demo is the story gantry demo tells: two services of a data centre, refactored
// into functions, on a built-in broker. Its functions are the gantry binary itself,
// started as processes that speak Lambda's Runtime API, so the real path runs.
//
// Flow: main opens a whole gantry with demo.yaml as its file (story.go) and hands Run the
// engine. A producer (produce.go) writes what the services would; the sampler (sample.go)
// looks at the engine five times a second and makes a frame of it, which the view
// (view.go) draws or the plain printer tells. At the end the producer stops, the
// mappings settle, and the summary is added up.
//
// The summary trusts nobody: what was produced is the producer's own record of positions
// (ledger.go), what was processed is read back from what the functions and the bucket
// wrote (journal.go, bucket.go). Both are compared position by position.
package demo

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/aws/aws-lambda-go/lambda"
)

// Bootstrap runs this process as the function that _HANDLER names.
func Bootstrap() {
	name := os.Getenv("_HANDLER")
	journal, err := openJournal(effectsBeside(os.Getenv("LAMBDA_TASK_ROOT")), name)
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo function:", err)
		os.Exit(1)
	}
	handler := handlers(journal)[name]
	if handler == nil {
		fmt.Fprintf(os.Stderr, "demo function: there is no handler %q; gantry demo --print-config shows those there are\n", name)
		os.Exit(1)
	}
	lambda.Start(handler)
}

// handlers are the functions of the two services.
func handlers(j *journal) map[string]any {
	return map[string]any{
		"order-validate":    validate(j),
		"order-price":       price(j),
		"order-notify":      notify(j),
		"payment-authorise": authorise(j),
		"payment-settle":    settle(j),
	}
}

// effectsBeside is where functions note what they did: it stands for their databases.
func effectsBeside(code string) string { return filepath.Join(filepath.Dir(code), "effects") }
