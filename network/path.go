package network

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	dialTimeout = 10 * time.Second
	keepAlive   = 30 * time.Second // below the idle timeouts of common firewalls
	// A refusal is logged once in this time for each target: clients dial again and again.
	tellEvery = 10 * time.Minute
)

// way opens a connection to host:port, where host may be a name. Its errors are *Error,
// or those of package net for a direct connection.
type way interface {
	dial(ctx context.Context, address string) (net.Conn, error)
}

// path is how one set of entries reaches a target.
type path struct {
	networks  *Networks
	names     []string // of the entries whose allow lists count
	addresses map[string]string
	allow     rules
	allowText []string
	way       way
}

func (n *Networks) path(c joined) (*path, error) {
	p := &path{networks: n, names: c.lists, addresses: lowerKeys(c.Addresses), allowText: c.Allow}
	if c.Allow != nil {
		p.allow = rules{}
	}
	for _, text := range c.Allow {
		r, err := parseRule(text)
		if err != nil {
			return nil, err
		}
		p.allow = append(p.allow, r)
	}
	base := &net.Dialer{Timeout: dialTimeout, KeepAlive: keepAlive}
	if c.Source != "" {
		addr, err := netip.ParseAddr(c.Source)
		if err != nil {
			return nil, err
		}
		base.LocalAddr = &net.TCPAddr{IP: addr.AsSlice(), Zone: addr.Zone()}
	}
	p.way = n.wayOf(c, direct{base})
	return p, nil
}

func (n *Networks) wayOf(c joined, base direct) way {
	if c.Jump != nil {
		n.mu.Lock()
		defer n.mu.Unlock()
		key := fmt.Sprintf("%q %q", *c.Jump, c.Source)
		if n.jumps[key] == nil {
			n.jumps[key] = newJump(*c.Jump, base, n.options)
		}
		return n.jumps[key]
	}
	if c.Proxy == "" {
		return base
	}
	u, _ := url.Parse(c.Proxy) // Validate has read it
	p := proxy{url: u, login: c.ProxyLogin, ca: c.ProxyCA, base: base, secrets: n.options.Secrets}
	if strings.HasPrefix(u.Scheme, "socks5") {
		return socks{p}
	}
	return connect{p}
}

// dial implements Dial.
func (p *path) dial(ctx context.Context, _, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	target := p.mapped(address)
	if p.allow == nil {
		return p.way.dial(ctx, target)
	}
	host, port, err := split(target)
	if err != nil {
		return nil, err
	}
	if addr, err := netip.ParseAddr(host); err == nil {
		if !p.allow.addr(addr, port) {
			return nil, p.blocked(address, target, "")
		}
		return p.way.dial(ctx, target)
	}
	if p.allow.name(host, port) {
		return p.way.dial(ctx, target)
	}
	if !p.allow.byAddress(port) {
		return nil, p.blocked(address, target, "")
	}
	return p.resolved(ctx, address, target)
}

// resolved dials a name by those of its addresses that are allowed, and by nothing else:
// a proxy that resolved it again might find another one.
func (p *path) resolved(ctx context.Context, address, target string) (net.Conn, error) {
	host, port, err := split(target)
	if err != nil {
		return nil, err
	}
	found, err := p.networks.options.Lookup(ctx, host)
	if err != nil {
		return nil, &Error{
			Target: address, Err: err, Cause: fmt.Sprintf("the name %s could not be resolved here, so its address could not be compared with the allow list", host),
			Try: fmt.Sprintf("correct the name or the DNS of this machine, give it an address in addresses:, or allow it by name: %s:%d", host, port),
		}
	}
	var allowed, refused []string
	for _, addr := range found {
		if p.allow.addr(addr, port) {
			allowed = append(allowed, net.JoinHostPort(addr.Unmap().String(), strconv.Itoa(int(port))))
		} else {
			refused = append(refused, addr.Unmap().String())
		}
	}
	if len(allowed) == 0 {
		return nil, p.blocked(address, target, fmt.Sprintf(" (here %s)", strings.Join(refused, ", ")))
	}
	return firstOf(ctx, allowed, p.way.dial)
}

// firstOf tries addresses in turn, each with its share of the time that is left.
func firstOf(ctx context.Context, addresses []string, dial func(context.Context, string) (net.Conn, error)) (conn net.Conn, err error) {
	for i, address := range addresses {
		share := dialTimeout
		if until, ok := ctx.Deadline(); ok {
			share = time.Until(until) / time.Duration(len(addresses)-i)
		}
		limited, done := context.WithTimeout(ctx, share)
		conn, err = dial(limited, address)
		done()
		if err == nil || ctx.Err() != nil {
			return conn, err
		}
	}
	return nil, err
}

// blocked refuses a connection, and says so in the log too.
func (p *path) blocked(address, target, resolved string) error {
	rules := "allows nothing"
	if len(p.allowText) > 0 {
		rules = "allows " + strings.Join(p.allowText, ", ")
	}
	shown := target
	if target != address {
		shown = fmt.Sprintf("%s (reached at %s)", address, target)
	}
	e := &Error{
		Target: address, Blocked: true,
		Cause: "gantry's own egress rules do not allow this connection",
		Try:   "add the address to allow: of the network if it is meant to be reached; if not, correct the brokers' advertised.listeners, the mapping or addresses:",
		Err:   fmt.Errorf("%s%s is refused by gantry: networks: %s %s", shown, resolved, strings.Join(p.names, ", "), rules),
	}
	p.networks.tell(e)
	return e
}

func (n *Networks) tell(e *Error) {
	n.mu.Lock()
	last, known := n.told[e.Err.Error()]
	now := time.Now()
	again := !known || now.Sub(last) >= tellEvery
	if again {
		n.told[e.Err.Error()] = now
	}
	n.mu.Unlock()
	if again {
		n.options.Log.Warn("egress refused", "target", e.Target, "reason", e.Err.Error(), "try", e.Try)
	}
}

// mapped gives the address that an advertised one is reached at.
func (p *path) mapped(address string) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	to, ok := p.addresses[strings.ToLower(address)]
	if !ok {
		to, ok = p.addresses[canonical(host)]
	}
	switch {
	case !ok:
		return address
	case hasPort(to):
		return to
	}
	return net.JoinHostPort(to, port)
}

func lowerKeys(m map[string]string) map[string]string {
	low := make(map[string]string, len(m))
	for from, to := range m {
		low[canonical(from)] = to
	}
	return low
}

func split(address string) (host string, port uint16, err error) {
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		return "", 0, err
	}
	n, err := strconv.ParseUint(text, 10, 16)
	return host, uint16(n), err //nolint:gosec // parsed as 16 bits
}

// direct is a connection of our own.
type direct struct{ dialer *net.Dialer }

func (d direct) dial(ctx context.Context, address string) (net.Conn, error) {
	return d.dialer.DialContext(ctx, "tcp", address)
}
