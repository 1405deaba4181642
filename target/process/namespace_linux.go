package process

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"
)

const hostsPath = "/etc/hosts"

// EgressPossible says why the network can't be closed to processes here; nil if it can. It
// makes such a namespace and drops it.
func EgressPossible() error {
	r, err := openRoom(&Egress{}, os.TempDir(), nil)
	r.close()
	return err
}

// enclose puts the calling thread, and what it will start, into a network of its own that
// has these addresses and no way out, with its own /etc/hosts.
func enclose(addrs []netip.Addr, hosts func(machine string) string, dataDir string) error {
	if err := unix.Unshare(unix.CLONE_FS | unix.CLONE_NEWNS | unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("make a network namespace: %w%s", err, missing(err))
	}
	// Mounts that the machine gets later are seen here, those made here nowhere else.
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_SLAVE, ""); err != nil {
		return fmt.Errorf("keep mounts to the namespace: %w%s", err, missing(err))
	}
	if err := giveAddresses(addrs); err != nil {
		return err
	}
	if err := coverHosts(hosts, dataDir); err != nil {
		return fmt.Errorf("give it an /etc/hosts of its own: %w%s", err, missing(err))
	}
	if err := coverNameServices(); err != nil {
		return fmt.Errorf("keep the machine's name services from it: %w%s", err, missing(err))
	}
	if os.Geteuid() != 0 { // targets have ports below 1024; the namespace is gantry's
		_ = os.WriteFile("/proc/sys/net/ipv4/ip_unprivileged_port_start", []byte("0"), 0)
	}
	return dropRights()
}

// giveAddresses switches the loopback device on and gives it more addresses.
func giveAddresses(addrs []netip.Addr) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open a socket in the namespace: %w", err)
	}
	defer unix.Close(fd)
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	lo.SetUint16(unix.IFF_UP)
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, lo); err != nil {
		return fmt.Errorf("switch on the namespace's loopback device: %w%s", err, missing(err))
	}
	for i, a := range addrs {
		add := giveIPv6
		if a.Is4() {
			add = func(a netip.Addr) error { return giveIPv4(fd, i, a) }
		}
		if err := add(a); err != nil {
			return fmt.Errorf("give %s to the namespace's loopback device: %w%s", a, err, missing(err))
		}
	}
	return nil
}

// giveIPv4 adds an address under a label of its own, then narrows it from the network
// that the kernel takes it for to itself.
func giveIPv4(fd, serial int, a netip.Addr) error {
	req, err := unix.NewIfreq("lo:" + strconv.Itoa(serial))
	if err != nil {
		return err
	}
	for _, step := range []struct {
		what  uint
		value netip.Addr
	}{{unix.SIOCSIFADDR, a}, {unix.SIOCSIFNETMASK, netip.AddrFrom4([4]byte{255, 255, 255, 255})}} {
		if err := req.SetInet4Addr(step.value.AsSlice()); err != nil {
			return err
		}
		if err := unix.IoctlIfreq(fd, step.what, req); err != nil {
			return err
		}
	}
	return nil
}

// giveIPv6 adds an address. The kernel asks no neighbours about those of this device.
func giveIPv6(a netip.Addr) error {
	fd, err := unix.Socket(unix.AF_INET6, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("this machine has no IPv6: %w", err)
	}
	defer unix.Close(fd)
	req := struct { // struct in6_ifreq
		addr   [16]byte
		prefix uint32
		index  int32
	}{a.As16(), 128, 1} // the loopback device is a namespace's first
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCSIFADDR, uintptr(unsafe.Pointer(&req))) //nolint:gosec // x/sys has no call for it
	if errno != 0 {
		return errno
	}
	return nil
}

// coverHosts puts a file of ours over /etc/hosts, for whoever lives in the namespace. The
// file's name is gone at once: the mount holds what is in it.
func coverHosts(hosts func(machine string) string, dataDir string) error {
	machine, err := os.ReadFile(hostsPath)
	if err != nil {
		return fmt.Errorf("%w; make an empty one", err)
	}
	f, err := os.CreateTemp(dataDir, tempPrefix+"hosts-") // RemoveStale knows it
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(hosts(string(machine)))
	if err := cmp.Or(err, f.Chmod(0o644), f.Close()); err != nil {
		return err
	}
	return unix.Mount(f.Name(), hostsPath, "", unix.MS_BIND, "")
}

// nameServices are folders of sockets of programs that look names up for others. They do it
// on the machine's network and by its /etc/hosts, and glibc asks some of them before it
// reads the file.
func nameServices() []string {
	return []string{"/run/nscd", "/var/run/nscd", "/run/systemd/resolve", "/run/avahi-daemon"}
}

// coverNameServices hides them. What then looks in vain for a resolv.conf there asks
// loopback, which refuses at once.
func coverNameServices() error {
	for _, dir := range nameServices() {
		if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			continue
		}
		if err := unix.Mount("tmpfs", dir, "tmpfs", unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "size=4k,mode=755"); err != nil {
			return fmt.Errorf("cover %s: %w", dir, err)
		}
	}
	return nil
}

// missing says what a refusal by the kernel is for want of, and what to do.
func missing(err error) string {
	const instead = "; or say in the plan that nothing is enforced"
	if errors.Is(err, unix.ENOSPC) {
		return ": the machine's limit of namespaces is reached; raise user.max_net_namespaces and user.max_mnt_namespaces"
	}
	if !errors.Is(err, unix.EPERM) && !errors.Is(err, unix.EACCES) {
		return ""
	}
	switch lacks := lacking(unix.CAP_SYS_ADMIN, unix.CAP_NET_ADMIN); lacks {
	case "":
		return ": gantry has the capabilities it takes (CAP_SYS_ADMIN, CAP_NET_ADMIN), so something else refuses: the seccomp or AppArmor profile of a container (--security-opt), or RestrictNamespaces= and SystemCallFilter= of its unit" + instead
	default:
		return fmt.Sprintf(": gantry runs as user id %d and lacks %s; start it as root, or give its unit AmbientCapabilities=CAP_SYS_ADMIN CAP_NET_ADMIN, or its container --cap-add SYS_ADMIN --cap-add NET_ADMIN%s", os.Geteuid(), lacks, instead)
	}
}
