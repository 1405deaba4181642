// A function that does what it is told, and says what came of it.
package main

import (
	"context"
	"io"
	"net/http"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
)

type order struct {
	Do   string `json:"do"`
	Path string `json:"path"`
	Pid  int    `json:"pid"`
}

type report struct {
	OK    bool     `json:"ok"`
	Error string   `json:"error"`
	Seen  string   `json:"seen"`
	Env   []string `json:"env"`
	Pid   int      `json:"pid"`
	UID   int      `json:"uid"`
}

func main() { lambda.Start(obey) }

func obey(_ context.Context, o order) (report, error) {
	r := report{Pid: os.Getpid(), UID: os.Getuid(), Env: os.Environ()}
	seen, err := attempt(o)
	r.OK, r.Seen = err == nil, seen
	if err != nil {
		r.Error = err.Error()
	}
	return r, nil
}

func attempt(o order) (string, error) {
	switch o.Do {
	case "read":
		f, err := os.Open(o.Path)
		if err != nil {
			return "", err
		}
		defer f.Close()
		b, err := io.ReadAll(io.LimitReader(f, 1<<16))
		return string(b), err
	case "list":
		entries, err := os.ReadDir(o.Path)
		var names []string
		for _, e := range entries {
			target, _ := os.Readlink(o.Path + "/" + e.Name())
			names = append(names, e.Name()+" "+target)
		}
		return strings.Join(names, "\n"), err
	case "write":
		return "", os.WriteFile(o.Path, []byte("mine"), 0o600)
	case "get":
		c := http.Client{Timeout: 2 * time.Second}
		res, err := c.Get(o.Path)
		if err != nil {
			return "", err
		}
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		if res.StatusCode >= 300 {
			return string(b), &refused{res.Status}
		}
		return string(b), err
	case "trace":
		if err := syscall.PtraceAttach(o.Pid); err != nil {
			return "", err
		}
		return "", syscall.PtraceDetach(o.Pid)
	case "signal":
		return "", syscall.Kill(o.Pid, syscall.Signal(0))
	case "become-root":
		return "", syscall.Setuid(0)
	case "dump":
		return "", syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{Cur: 1 << 20, Max: 1 << 20})
	}
	return "", nil
}

type refused struct{ status string }

func (r *refused) Error() string { return r.status }
