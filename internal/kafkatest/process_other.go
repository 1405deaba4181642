//go:build !linux

package kafkatest

import "os/exec"

// dieWithParent needs Linux; elsewhere t.Cleanup alone ends the brokers.
func dieWithParent(*exec.Cmd) {}
