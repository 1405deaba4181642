package process

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// peerCheck returns the check of who is at the other end of a connection: a process of
// the function's group must hold the socket. Where /proc tells nothing (it may be
// mounted so), everybody on this machine is let in, as on other systems.
func peerCheck(c *child) func(local, remote net.Addr) bool {
	group := c.pid()
	if _, err := os.Stat("/proc/self/net/tcp"); err != nil {
		return func(net.Addr, net.Addr) bool { return true }
	}
	return func(local, remote net.Addr) bool {
		inode := socketInode(remote.(*net.TCPAddr), local.(*net.TCPAddr))
		return inode != "" && (holds(group, inode) || groupHolds(group, inode))
	}
}

// socketInode finds the socket whose own address is local and that is connected to
// remote. Java opens IPv6 sockets also for IPv4 addresses.
func socketInode(local, remote *net.TCPAddr) string {
	for table, form := range map[string]string{"/proc/self/net/tcp": "%s", "/proc/self/net/tcp6": "0000000000000000FFFF0000%s"} {
		f, err := os.Open(table)
		if err != nil {
			continue
		}
		inode := findInode(f, fmt.Appendf(nil, form, hexAddr(local)), fmt.Appendf(nil, form, hexAddr(remote)))
		f.Close()
		if inode != "" {
			return inode
		}
	}
	return ""
}

// hexAddr spells an address as /proc/net/tcp does: the four bytes as a number of the
// machine's byte order, the port as a number.
func hexAddr(a *net.TCPAddr) string {
	return fmt.Sprintf("%08X:%04X", binary.NativeEndian.Uint32(a.IP.To4()), a.Port)
}

func findInode(f *os.File, local, remote []byte) string {
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if !bytes.Contains(lines.Bytes(), local) {
			continue
		}
		fields := bytes.Fields(lines.Bytes())
		if len(fields) > 9 && bytes.Equal(fields[1], local) && bytes.Equal(fields[2], remote) {
			return string(fields[9])
		}
	}
	return ""
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
