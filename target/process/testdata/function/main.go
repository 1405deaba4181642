// The function the tests run. MODE chooses a way to start; an event's "do" chooses what
// one invocation does.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

// hang waits for ever. An empty select would end the process where it was built without
// cgo: the runtime sees a deadlock.
func hang() {
	for {
		time.Sleep(time.Hour)
	}
}

func main() {
	switch os.Getenv("MODE") {
	case "":
		lambda.Start(handle)
	case "sigterm":
		lambda.StartWithOptions(handle, lambda.WithEnableSIGTERM(func() {
			_ = os.WriteFile(os.Getenv("MARK"), []byte("asked to end"), 0o600)
			os.Exit(0)
		}))
	case "exit-at-start":
		fmt.Println("cannot go on")
		os.Exit(7)
	case "hang-at-start":
		_ = os.WriteFile(filepath.Join(os.Getenv("MARK"), fmt.Sprint(os.Getpid())), nil, 0o600)
		hang()
	case "slow-first-start": // the first process hangs, the second starts
		if err := os.Mkdir(os.Getenv("MARK"), 0o700); err == nil {
			hang()
		}
		lambda.Start(handle)
	case "init-error":
		fmt.Println("about to fail")
		post("init/error", `{"errorMessage":"no database","errorType":"Setup"}`, nil)
		hang()
	case "twice":
		raw(func(id string) {
			fmt.Println("first", post("invocation/"+id+"/response", `"one"`, nil), "second", post("invocation/"+id+"/response", `"two"`, nil))
		})
	case "wrong-id":
		raw(func(id string) {
			wrong := post("invocation/00000000-0000-0000-0000-000000000000/response", `"stolen"`, nil)
			other := post("invocation/"+id+"/response", `"stolen"`, http.Header{"Lambda-Runtime-Invocation-Id": {"another"}})
			post("invocation/"+id+"/response", fmt.Sprintf("[%d,%d]", wrong, other), nil)
		})
	case "next-twice":
		raw(func(string) { fmt.Println("status", get("invocation/next").StatusCode); os.Exit(3) })
	case "headers":
		for {
			r := get("invocation/next")
			r.Header.Del("Content-Length")
			doc, _ := json.Marshal(r.Header)
			post("invocation/"+r.Header.Get("Lambda-Runtime-Aws-Request-Id")+"/response", string(doc), nil)
		}
	case "unread-event": // answers before it has read its event, then never reads it
		r := get("invocation/next")
		post("invocation/"+r.Header.Get("Lambda-Runtime-Aws-Request-Id")+"/response", "1", nil)
		hang()
	case "stdin-closed":
		_ = os.Stdin.Close()
		_ = os.Stdout.Close()
		lambda.Start(handle)
	}
}

func raw(answer func(id string)) {
	for {
		answer(get("invocation/next").Header.Get("Lambda-Runtime-Aws-Request-Id"))
	}
}

func url(path string) string {
	return "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/" + path
}

func get(path string) *http.Response {
	r, err := http.Get(url(path))
	if err != nil {
		panic(err)
	}
	return r
}

func post(path, body string, h http.Header) int {
	req, _ := http.NewRequest(http.MethodPost, url(path), strings.NewReader(body))
	if h != nil {
		req.Header = h
	}
	r, err := http.DefaultClient.Do(req)
	if err != nil {
		panic(err)
	}
	defer r.Body.Close()
	_, _ = io.Copy(io.Discard, r.Body)
	return r.StatusCode
}

// send gives the status and the text of the answer.
func send(token string) (string, error) {
	if token == "" {
		token = os.Getenv("GANTRY_PRODUCE_TOKEN")
		fmt.Println("the token is", token)
	}
	req, err := http.NewRequest(http.MethodPost, os.Getenv("GANTRY_PRODUCE_URL")+"valid/records", strings.NewReader("{}"))
	if err != nil {
		return "", err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	r, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	return fmt.Sprint(r.StatusCode, " ", string(body)), err
}

type order struct {
	Do   string `json:"do"`
	Size int    `json:"size"`
	Path string `json:"path"`
}

var keep [][]byte

func handle(ctx context.Context, event json.RawMessage) (any, error) {
	var o order
	_ = json.Unmarshal(event, &o)
	if answer, mine, err := network(o); mine {
		return answer, err
	}
	switch o.Do {
	case "fail":
		return nil, errors.New("no such order")
	case "read":
		b, err := os.ReadFile(o.Path)
		return string(b[:min(len(b), 4096)]), err
	case "list":
		_, err := os.ReadDir(o.Path)
		return nil, err
	case "write":
		return nil, os.WriteFile(o.Path, []byte("x"), 0o600)
	case "escape": // leaves a child that is in no group of ours
		child := exec.Command("sleep", "600")
		child.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		err := child.Start()
		return child.Process.Pid, err
	case "slow":
		time.Sleep(time.Duration(o.Size) * time.Millisecond)
	case "tell": // a variable, in every way there is
		value := os.Getenv(o.Path)
		fmt.Println("it is", value)
		return nil, fmt.Errorf("no login with %s", value)
	case "env":
		return os.Getenv(o.Path), nil
	case "send": // to a topic, with the token in path, or its own
		return send(o.Path)
	case "exit":
		os.Exit(3)
	case "exit-0":
		os.Exit(0)
	case "panic":
		panic("lost")
	case "hang":
		ignored := make(chan os.Signal, 8)
		signal.Notify(ignored, syscall.SIGTERM, syscall.SIGINT)
		hang()
	case "fork": // leaves a child that holds the pipes and writes its id down
		child := exec.Command("sleep", "600")
		child.Stdout, child.Stderr = os.Stdout, os.Stderr
		if err := child.Start(); err != nil {
			return nil, err
		}
		_ = os.WriteFile(o.Path, fmt.Append(nil, child.Process.Pid), 0o600)
		if o.Size > 0 {
			hang()
		}
	case "exit-later":
		time.AfterFunc(20*time.Millisecond, func() { os.Exit(4) })
	case "big":
		return bytes.NewReader(append(append([]byte{'"'}, bytes.Repeat([]byte{'x'}, o.Size-2)...), '"')), nil
	case "flood":
		line := strings.Repeat("x", 99) + "\n"
		for {
			fmt.Print(line)
		}
	case "log":
		fmt.Println("to stdout")
		fmt.Fprintln(os.Stderr, "to stderr")
		fmt.Print("no newline")
	case "memory":
		for {
			b := bytes.Repeat([]byte{1}, 8<<20)
			keep = append(keep, b)
			time.Sleep(time.Millisecond)
		}
	case "look":
		return look(ctx)
	case "pid":
		return os.Getpid(), nil
	case "wait": // until the file is gone
		for {
			if _, err := os.Stat(o.Path); err != nil {
				return os.Getpid(), nil
			}
			time.Sleep(time.Millisecond)
		}
	}
	return event, nil
}

func groups() []int {
	all, _ := os.Getgroups()
	return all
}

// look reports what the process can see.
func look(ctx context.Context) (any, error) {
	lc, _ := lambdacontext.FromContext(ctx)
	deadline, _ := ctx.Deadline()
	fds, _ := os.ReadDir("/proc/self/fd")
	open := map[string]string{}
	for _, fd := range fds {
		open[fd.Name()], _ = os.Readlink("/proc/self/fd/" + fd.Name())
	}
	dir, _ := os.Getwd()
	return map[string]any{
		"env": os.Environ(), "fds": open, "dir": dir, "pid": os.Getpid(), "group": syscall.Getpgrp(), "uid": os.Getuid(), "groups": groups(),
		"arn": lc.InvokedFunctionArn, "id": lc.AwsRequestID, "client": lc.ClientContext.Custom, "left": time.Until(deadline).Seconds(),
	}, nil
}
