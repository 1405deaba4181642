package process

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// keptRights are what a program of root's may have in a closed network: it may do with its
// files as it likes. All others are dropped, because some lead out: entering gantry's
// namespaces (CAP_SYS_ADMIN), laying a cable into them (CAP_NET_ADMIN), working through
// another process's memory (CAP_SYS_PTRACE), the kernel's own (CAP_SYS_MODULE, CAP_BPF …).
func keptRights() []uintptr {
	return []uintptr{
		unix.CAP_CHOWN, unix.CAP_DAC_OVERRIDE, unix.CAP_FOWNER, unix.CAP_FSETID, unix.CAP_KILL,
		unix.CAP_SETGID, unix.CAP_SETUID, unix.CAP_NET_BIND_SERVICE,
	}
}

// dropRights takes them from the programs this thread will start; the thread keeps its
// own. A program of another user than root has none anyway: nothing is inherited, and
// set-user-id programs give nothing.
func dropRights() error {
	head := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&head, &data[0]); err != nil {
		return fmt.Errorf("read gantry's capabilities: %w", err)
	}
	data[0].Inheritable, data[1].Inheritable = 0, 0
	if err := unix.Capset(&head, &data[0]); err != nil {
		return fmt.Errorf("keep gantry's capabilities from its processes: %w", err)
	}
	if os.Geteuid() != 0 {
		return nil
	}
	for right := uintptr(0); right < 64; right++ {
		has, err := unix.PrctlRetInt(unix.PR_CAPBSET_READ, right, 0, 0, 0)
		if err != nil || has == 0 || slices.Contains(keptRights(), right) {
			continue // an error: this kernel does not know so many
		}
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, right, 0, 0, 0); err != nil {
			return fmt.Errorf("take capability %d from its processes, with which they could leave (that takes CAP_SETPCAP): %w", right, err)
		}
	}
	return nil
}

// lacking names those of two capabilities that this thread does not have.
func lacking(rights ...uint) string {
	head := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&head, &data[0]); err != nil {
		return ""
	}
	names := map[uint]string{unix.CAP_SYS_ADMIN: "CAP_SYS_ADMIN", unix.CAP_NET_ADMIN: "CAP_NET_ADMIN"}
	var out []string
	for _, r := range rights {
		if data[r/32].Effective&(1<<(r%32)) == 0 {
			out = append(out, names[r])
		}
	}
	return strings.Join(out, " and ")
}
