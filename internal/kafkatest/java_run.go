package kafkatest

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// JavaCall is a Java program on the jars of a Kafka version: a class of theirs, such as
// org.apache.kafka.tools.consumer.ConsoleConsumer, or the one of a source text.
type JavaCall struct {
	Version string // "" = Latest
	Class   string
	Source  string // of Class; "" = it is in the jars
	Args    []string
	In      string
}

// Java runs a program to its end and gives what it printed. The error holds the end of
// what it complained. It skips the test where Kafka may not or can't be had.
func Java(t testing.TB, call JavaCall) (string, error) {
	t.Helper()
	if call.Version == "" {
		call.Version = Latest
	}
	d := need(t, call.Version)
	cp, err := d.classpath()
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"-XX:TieredStopAtLevel=1", "-Xmx256m", "-cp", cp}
	program := call.Class
	if call.Source != "" {
		program = filepath.Join(t.TempDir(), call.Class+".java")
		if err := os.WriteFile(program, []byte(call.Source), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), d.java, append(append(args, program), call.Args...)...)
	cmd.Env = cleanEnv()
	cmd.Stdin = strings.NewReader(call.In)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("run %s: %w\n%s", call.Class, err, tail(errs.Bytes(), 10))
	}
	return out.String(), nil
}
