package process

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// peerCheck returns the check of who is at the other end of a connection: a process of
// the function's group must hold the socket. Where the kernel shows gantry no descriptors
// of another user (root without CAP_SYS_PTRACE), the socket must be that user's, whose
// other processes are then let in too. Where /proc tells nothing (it may be
// mounted so), everybody on this machine is let in, as on other systems. Where the
// function has a network of its own, the sockets are looked for there.
func peerCheck(c *child, inside bool) func(local, remote net.Addr) bool {
	group, who := c.pid(), c.user
	if _, err := os.Stat("/proc/self/net/tcp"); err != nil {
		return func(net.Addr, net.Addr) bool { return true }
	}
	network := "/proc/self/net"
	if inside {
		network = filepath.Join("/proc", strconv.Itoa(group), "net")
	}
	return func(local, remote net.Addr) bool {
		s := findSocket(network, remote.(*net.TCPAddr), local.(*net.TCPAddr))
		if s.inode == "" {
			return false
		}
		if who != nil && closed(group) {
			return s.uid == strconv.Itoa(who.uid)
		}
		return holds(group, s.inode) || groupHolds(group, s.inode)
	}
}

// closed says that a process's descriptors can't be read.
func closed(pid int) bool {
	_, err := os.ReadDir(filepath.Join("/proc", strconv.Itoa(pid), "fd"))
	return errors.Is(err, fs.ErrPermission)
}

// socket is what the kernel tells of the other end of a connection.
type socket struct{ inode, uid string }

// findSocket finds, in a network's tables, the socket whose own address is local and that is connected to
// remote. Java opens IPv6 sockets also for IPv4 addresses.
func findSocket(network string, local, remote *net.TCPAddr) socket {
	for table, form := range map[string]string{"tcp": "%s", "tcp6": "0000000000000000FFFF0000%s"} {
		f, err := os.Open(filepath.Join(network, table))
		if err != nil {
			continue
		}
		s := findLine(f, fmt.Appendf(nil, form, hexAddr(local)), fmt.Appendf(nil, form, hexAddr(remote)))
		f.Close()
		if s.inode != "" {
			return s
		}
	}
	return socket{}
}

// hexAddr spells an address as /proc/net/tcp does: the four bytes as a number of the
// machine's byte order, the port as a number.
func hexAddr(a *net.TCPAddr) string {
	return fmt.Sprintf("%08X:%04X", binary.NativeEndian.Uint32(a.IP.To4()), a.Port)
}

func findLine(f *os.File, local, remote []byte) socket {
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if !bytes.Contains(lines.Bytes(), local) {
			continue
		}
		fields := bytes.Fields(lines.Bytes())
		if len(fields) > 9 && bytes.Equal(fields[1], local) && bytes.Equal(fields[2], remote) {
			return socket{inode: string(fields[9]), uid: string(fields[7])}
		}
	}
	return socket{}
}

// holds says whether a process has the socket open.
func holds(pid int, inode string) bool {
	want := "socket:[" + inode + "]"
	dir := filepath.Join("/proc", strconv.Itoa(pid), "fd")
	fds, err := os.ReadDir(dir)
	if err != nil {
		return false
	}
	for _, fd := range fds {
		if target, err := os.Readlink(filepath.Join(dir, fd.Name())); err == nil && target == want {
			return true
		}
	}
	return false
}

// groupHolds looks at the other processes of the group: a runtime may be a child of the
// program that was started.
func groupHolds(group int, inode string) bool {
	for _, pid := range groupMembers(group) {
		if pid != group && holds(pid, inode) {
			return true
		}
	}
	return false
}

// groupMembers returns the processes of a group.
func groupMembers(group int) []int {
	all, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var members []int
	for _, entry := range all {
		pid, err := strconv.Atoi(entry.Name())
		if err == nil && groupOf(pid) == group {
			members = append(members, pid)
		}
	}
	return members
}

// groupOf reads the process group from /proc/PID/stat, whose second field is a name in
// parentheses that may hold anything.
func groupOf(pid int) int {
	b, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	if len(fields) < 3 {
		return 0
	}
	group, _ := strconv.Atoi(fields[2]) // state, parent, group
	return group
}
