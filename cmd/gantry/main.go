// Command gantry runs AWS Lambda's Kafka event source mappings anywhere and moves a
// Kafka workload to the cloud, one service at a time. This package wires; it knows
// everyone and holds no rule of its own.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"gantry/cli"
	"gantry/cli/demo"
	"gantry/sink"
)

func main() {
	if strings.TrimSuffix(filepath.Base(os.Args[0]), ".exe") == "bootstrap" {
		if name := os.Getenv(sink.EnvironmentName); name != "" {
			os.Exit(bootstrap(name, os.Environ())) // this very file, as an integration in AWS Lambda
		}
		demo.Bootstrap() // or as a function of the demo
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr})
	stop()
	os.Exit(code)
}

type streams struct {
	in  io.Reader
	out io.Writer
	err io.Writer
}

// run is main without the process around it.
func run(ctx context.Context, args []string, s streams) int {
	return cli.Run(ctx, commands(s), args)
}

// commands are all of gantry's.
func commands(s streams) *cobra.Command {
	root := cli.New(cli.Config{
		Build: build(), In: s.in, Out: s.out, Err: s.err, Getenv: os.Getenv, Local: openLocal,
	})
	root.AddCommand(serveCommand(s), demoCommand(s))
	return root
}
