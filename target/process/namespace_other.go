//go:build !linux

package process

import (
	"errors"
	"net/netip"
	"runtime"
)

// EgressPossible says why the network can't be closed to processes here.
func EgressPossible() error { return enclose(nil, nil, "") }

func enclose([]netip.Addr, func(string) string, string) error {
	return errors.New("that takes Linux's network namespaces, and this is " + runtime.GOOS + "; run gantry on Linux, or say in the plan that nothing is enforced")
}

// thread stands for one where there is nothing to be done on it.
type thread struct{}

func newThread() *thread { return &thread{} }

func (*thread) do(f func() error) error { return f() }

func (*thread) end() {}
