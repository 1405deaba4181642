package process

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Egress closes the network to a function's processes, but for the Runtime API and the
// targets named. They live in a network namespace of their own: what is not named is
// refused by the kernel, at once. Linux, with the right to make one (EgressPossible).
type Egress struct {
	Targets []string // HOST:PORT, TCP; HOST is a name or an address

	// How gantry itself reaches a target; nil = as this machine does. What it returns
	// should have CloseWrite, as TCP connections have: without it a target that is told
	// the end of what the function sends is told the end of the connection.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
}

// EgressStats is what went through one of the targets.
type EgressStats struct {
	Target      string
	Connections int64 // that processes opened
	Failed      int64 // of those, that gantry could not connect to the target
	Sent        int64 // bytes to the target
	Received    int64 // bytes from it
}

// Egress returns the figures of each target; nil where the network is not closed.
func (p *Pool) Egress() []EgressStats { return p.room.stats() }

// opening is a target, and where it answers inside.
type opening struct {
	target string // as gantry dials it
	name   string // what the hosts file must know; "" = nothing
	inside []netip.AddrPort
}

const localhost = "localhost"

// openings reads targets and gives each its place inside, once, and names every fault. A
// name gets an address of its own in 127.77.0.0/16, so that two names with one port are
// two places.
func openings(targets []string) ([]opening, error) {
	var out []opening
	var errs []error
	names := map[string]netip.Addr{}
	taken := map[netip.AddrPort]bool{}
	for _, t := range targets {
		o, err := readTarget(t, names)
		if err != nil {
			errs = append(errs, fmt.Errorf("egress target %q: %w", t, err))
			continue
		}
		o.inside = slices.DeleteFunc(o.inside, func(a netip.AddrPort) bool {
			twice := taken[a]
			taken[a] = true
			return twice
		})
		if len(o.inside) > 0 {
			out = append(out, o)
		}
	}
	return out, errors.Join(errs...)
}

func readTarget(target string, names map[string]netip.Addr) (opening, error) {
	host, text, err := net.SplitHostPort(target)
	if err != nil {
		return opening{}, errors.New("want HOST:PORT, as db.internal:5432 or [fd00::5]:443")
	}
	number, err := strconv.ParseUint(text, 10, 16)
	if err != nil || number == 0 {
		return opening{}, fmt.Errorf("port %q is no number within 1..65535", text)
	}
	port := uint16(number)
	if addr, err := netip.ParseAddr(host); err == nil {
		addr = addr.Unmap()
		if addr.Zone() != "" || addr.IsUnspecified() || addr.IsMulticast() || addr == netip.AddrFrom4([4]byte{255, 255, 255, 255}) {
			return opening{}, fmt.Errorf("%s is not the address of one machine that any other can name", host)
		}
		return opening{target: target, inside: []netip.AddrPort{netip.AddrPortFrom(addr, port)}}, nil
	}
	name := strings.ToLower(strings.TrimSuffix(host, "."))
	if !isName(name) {
		return opening{}, fmt.Errorf("%q is neither an address nor a name of letters, digits, hyphens and dots", host)
	}
	if name == localhost {
		return opening{target: target, inside: []netip.AddrPort{
			netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), port), netip.AddrPortFrom(netip.IPv6Loopback(), port),
		}}, nil
	}
	addr, known := names[name]
	if !known {
		n := len(names) + 1
		if n > 0xffff {
			return opening{}, errors.New("there are more than 65535 names")
		}
		addr = netip.AddrFrom4([4]byte{127, 77, byte(n >> 8), byte(n)})
		names[name] = addr
	}
	return opening{target: target, name: name, inside: []netip.AddrPort{netip.AddrPortFrom(addr, port)}}, nil
}

// isName keeps out what would be more than one word of a hosts file, and the old
// spellings of addresses (127.1, 0x7f.1), which programs do not look up.
func isName(s string) bool {
	if s == "" || len(s) > 253 {
		return false
	}
	labels := strings.Split(s, ".")
	for _, l := range labels {
		odd := func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '_' }
		if l == "" || len(l) > 63 || l[0] == '-' || strings.ContainsFunc(l, odd) {
			return false
		}
	}
	last := labels[len(labels)-1]
	return last[0] < '0' || last[0] > '9'
}

// hostsFile is what processes read as /etc/hosts: what the machine's own says of loopback
// addresses, and the targets with names. Other names of the machine's are left out: they
// would lead nowhere.
func hostsFile(machine string, open []opening) string {
	var b strings.Builder
	b.WriteString("127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n")
	ours := func(name string) bool {
		return strings.EqualFold(name, localhost) || slices.ContainsFunc(open, func(o opening) bool { return strings.EqualFold(o.name, strings.TrimSuffix(name, ".")) })
	}
	for line := range strings.Lines(machine) {
		line, _, _ = strings.Cut(line, "#")
		fields := strings.Fields(line)
		if len(fields) < 2 {
			continue
		}
		addr, err := netip.ParseAddr(fields[0])
		names := slices.DeleteFunc(fields[1:], ours)
		if err == nil && addr.IsLoopback() && len(names) > 0 {
			fmt.Fprintln(&b, addr, strings.Join(names, " "))
		}
	}
	said := map[string]bool{}
	for _, o := range open {
		if o.name != "" && !said[o.name] {
			said[o.name] = true
			fmt.Fprintln(&b, o.inside[0].Addr(), o.name)
		}
	}
	return b.String()
}
