package main

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// network does what has to do with other machines; mine is false where o is about
// something else.
func network(o order) (answer any, mine bool, err error) {
	switch o.Do {
	case "reach": // one connection: what comes back for what was sent
		text, err := reach(o.Path, []byte("hello"))
		return string(text), true, err
	case "try": // the error, and how long it took
		begin := time.Now()
		conn, err := net.DialTimeout("tcp", o.Path, 20*time.Second)
		if err == nil {
			_ = conn.Close()
			return "connected", true, nil
		}
		return map[string]any{"error": err.Error(), "ms": time.Since(begin).Milliseconds()}, true, nil
	case "flow": // Size bytes there and back at once
		answer, err := flow(o.Path, o.Size)
		return answer, true, err
	case "crowd": // Size connections, fifty at a time
		return nil, true, crowd(o.Path, o.Size)
	case "abstract": // what listens on an abstract unix socket
		_, err := net.Dial("unix", "@"+o.Path)
		return nil, true, err
	case "leave": // by the namespace of another process
		return nil, true, leave(o.Path)
	case "ask-others": // for the next event of other processes of this network
		answer, err := askOthers()
		return answer, true, err
	case "spaces":
		net, _ := os.Readlink("/proc/self/ns/net")
		mnt, _ := os.Readlink("/proc/self/ns/mnt")
		return []string{net, mnt}, true, nil
	}
	return nil, false, nil
}

func reach(address string, message []byte) ([]byte, error) {
	conn, err := net.DialTimeout("tcp", address, 20*time.Second)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if _, err := conn.Write(message); err != nil {
		return nil, err
	}
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		return nil, err
	}
	return io.ReadAll(conn)
}

func flow(address string, size int) (any, error) {
	conn, err := net.DialTimeout("tcp", address, 20*time.Second)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	out := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{7}).Read(out)
	sent := make(chan error, 1)
	go func() {
		_, err := conn.Write(out)
		sent <- errors.Join(err, conn.(*net.TCPConn).CloseWrite())
	}()
	in, err := io.ReadAll(conn)
	if err := errors.Join(err, <-sent); err != nil {
		return nil, err
	}
	return map[string]any{"sent": fmt.Sprintf("%x", sha256.Sum256(out)), "received": fmt.Sprintf("%x", sha256.Sum256(in)), "bytes": len(in)}, nil
}

func crowd(address string, size int) error {
	errs := make([]error, size)
	places := make(chan struct{}, 50)
	var all sync.WaitGroup
	for i := range size {
		places <- struct{}{}
		all.Add(1)
		go func() {
			defer all.Done()
			defer func() { <-places }()
			message := fmt.Appendf(nil, "message %d", i)
			back, err := reach(address, message)
			if err == nil && !bytes.Equal(back, message) {
				err = fmt.Errorf("%q came back as %q", message, back)
			}
			errs[i] = err
		}()
	}
	all.Wait()
	return errors.Join(errs...)
}

// leave tries to go into a namespace, and then to lay a cable into it.
func leave(space string) error {
	runtime.LockOSThread()
	fd, err := unix.Open(space, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		err = fmt.Errorf("open: %w", err)
	} else {
		err = unix.Setns(fd, unix.CLONE_NEWNET)
	}
	if err == nil {
		return errors.New("it is out")
	}
	if unshared := unix.Unshare(unix.CLONE_NEWNET); !errors.Is(unshared, syscall.EPERM) {
		return fmt.Errorf("a namespace could be made: %v", unshared)
	}
	return err
}

// askOthers asks whatever listens in this network, but for this process's own Runtime API.
func askOthers() (map[string]string, error) {
	table, err := os.ReadFile("/proc/self/net/tcp")
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for line := range strings.Lines(string(table)) {
		var row, port int
		if n, _ := fmt.Sscanf(line, "%d: 0100007F:%X 00000000:0000 0A", &row, &port); n < 2 {
			continue
		}
		api := fmt.Sprintf("127.0.0.1:%d", port)
		if api == os.Getenv("AWS_LAMBDA_RUNTIME_API") || !strings.Contains(line, ":0000 0A ") {
			continue
		}
		r, err := http.Get("http://" + api + "/2018-06-01/runtime/invocation/next")
		if err != nil {
			return nil, err
		}
		body, _ := io.ReadAll(r.Body)
		_ = r.Body.Close()
		out[api] = r.Status + ": " + string(body)
	}
	return out, nil
}
