//go:build !unix

package main

import "os/exec"

// ownGroup does nothing here: only the go command itself is ended when ctx ends.
func ownGroup(*exec.Cmd) {}
