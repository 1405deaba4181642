package network

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// rule is one line of an allow list.
type rule struct {
	prefix netip.Prefix // of addresses; not valid for a rule about names
	name   string       // lower case; with a leading dot it stands for everything below
	first  uint16
	last   uint16
}

var hostPattern = regexp.MustCompile(`^[a-zA-Z0-9_]([a-zA-Z0-9_.-]{0,252}[a-zA-Z0-9_])?\.?$`)

const wantRule = "want NETWORK:PORT such as 10.0.0.0/8:9093, [fd00::/8]:9093 or kafka.example.com:9093; a port may be a range (9092-9094) or *"

func parseRule(text string) (rule, error) {
	at := strings.LastIndexByte(text, ':')
	if at < 0 {
		return rule{}, fmt.Errorf("%q has no port; %s", text, wantRule)
	}
	r, ok := parsePorts(text[at+1:])
	if !ok {
		return rule{}, fmt.Errorf("%q has no port gantry can read; %s", text, wantRule)
	}
	where := text[:at]
	if strings.HasPrefix(where, "[") && strings.HasSuffix(where, "]") {
		where = where[1 : len(where)-1]
	}
	if prefix, err := netip.ParsePrefix(where); err == nil {
		r.prefix = prefix.Masked()
		return r, nil
	}
	if addr, err := netip.ParseAddr(where); err == nil {
		r.prefix = netip.PrefixFrom(addr.Unmap(), addr.Unmap().BitLen())
		return r, nil
	}
	r.name = canonical(strings.TrimPrefix(where, "*"))
	if bare := strings.TrimPrefix(r.name, "."); !hostPattern.MatchString(bare) || strings.HasPrefix(where, "*") != strings.HasPrefix(r.name, ".") {
		return rule{}, fmt.Errorf("%q is neither a network nor a name; %s", text, wantRule)
	}
	return r, nil
}

func parsePorts(text string) (rule, bool) {
	if text == "*" {
		return rule{first: 1, last: 65_535}, true
	}
	low, high, isRange := strings.Cut(text, "-")
	if !isRange {
		high = low
	}
	first, err1 := strconv.ParseUint(low, 10, 16)
	last, err2 := strconv.ParseUint(high, 10, 16)
	r := rule{first: uint16(first), last: uint16(last)} //nolint:gosec // parsed as 16 bits
	return r, err1 == nil && err2 == nil && first >= 1 && first <= last
}

func (r rule) port(p uint16) bool { return r.first <= p && p <= r.last }

func (r rule) allowsAddr(a netip.Addr, port uint16) bool {
	return r.port(port) && r.prefix.IsValid() && r.prefix.Contains(a.Unmap().WithZone(""))
}

func (r rule) allowsName(host string, port uint16) bool {
	if r.name == "" || !r.port(port) {
		return false
	}
	if strings.HasPrefix(r.name, ".") {
		return strings.HasSuffix(canonical(host), r.name)
	}
	return canonical(host) == r.name
}

// canonical makes names comparable: DNS knows no case, and a dot at the end says no more.
func canonical(host string) string { return strings.ToLower(strings.TrimSuffix(host, ".")) }

// rules are an allow list. Nil allows everything, an empty one nothing.
type rules []rule

func (rs rules) addr(a netip.Addr, port uint16) bool {
	return slices.ContainsFunc(rs, func(r rule) bool { return r.allowsAddr(a, port) })
}

func (rs rules) name(host string, port uint16) bool {
	return slices.ContainsFunc(rs, func(r rule) bool { return r.allowsName(host, port) })
}

// byAddress says whether any address could be allowed on this port, so that it is worth
// resolving a name.
func (rs rules) byAddress(port uint16) bool {
	return slices.ContainsFunc(rs, func(r rule) bool { return r.prefix.IsValid() && r.port(port) })
}
