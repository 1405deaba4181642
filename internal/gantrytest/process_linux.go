package gantrytest

import (
	"os/exec"
	"syscall"
)

// dieWithParent lets no gantry outlive its test.
func dieWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
