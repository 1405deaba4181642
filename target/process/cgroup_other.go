//go:build !linux

package process

import "errors"

// Cgroups are Linux's.
type Cgroups struct{}

type cgroup struct{}

// OpenCgroups is an error here.
func OpenCgroups() (*Cgroups, error) { return nil, errors.New("control groups are Linux's") }

// LimitsMemory is false here.
func (*Cgroups) LimitsMemory() bool { return false }

// Close does nothing here.
func (*Cgroups) Close() error { return nil }

func (*Cgroups) make(int) (*cgroup, error) { return nil, nil } //nolint:nilnil // there are none

func (*cgroup) kill() {}

func (*cgroup) exceeded() bool { return false }

func (*cgroup) remove() {}
