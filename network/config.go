package network

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Config is one entry of `networks:` in the configuration file. Logins and keys are
// references to secrets. The zero value is a direct connection to anywhere.
type Config struct {
	Proxy      string // socks5://host:port, http://host:port or https://host:port
	ProxyLogin string // ref: username and password for the proxy
	ProxyCA    string // ref: PEM roots for an https proxy, instead of the system's
	Jump       *Jump
	// Addresses maps advertised addresses to those they are reached at: host:port or
	// host, to host:port or host. Certificates are still checked against the advertised.
	Addresses map[string]string
	Source    string // local IP address that connections begin at
	// Allow is what may be reached: 10.0.0.0/8:9093, [fd00::/8]:9092-9094, 10.0.0.7:*,
	// kafka.example.com:9093, *.example.com:9093. Nil = anything, empty = nothing.
	Allow          []string
	AllowPlaintext bool // the path is private: brokers may be reached without TLS
}

// Jump is an SSH server that connections are made from.
type Jump struct {
	Host          string // host:port, or host for port 22
	User          string
	Key           string // ref: PEM private key, or a document with privateKey and privateKeyPassword
	KeyPassphrase string // ref, for an encrypted key
	KnownHosts    string // path of a known_hosts file, which must have the host's key
}

func (c Config) hasWay() bool { return c.Proxy != "" || c.Jump != nil }

func (c Config) sameWay(o Config) bool {
	if (c.Jump == nil) != (o.Jump == nil) || c.Jump != nil && *c.Jump != *o.Jump {
		return false
	}
	return c.Proxy == o.Proxy && c.ProxyLogin == o.ProxyLogin && c.ProxyCA == o.ProxyCA
}

// Validate names every fault at once, each with the member it is in.
func (c Config) Validate() error {
	var errs []error
	if c.Proxy != "" && c.Jump != nil {
		errs = append(errs, errors.New("jump: contradicts proxy; keep one of the two"))
	}
	errs = append(errs, c.proxyFaults()...)
	if c.Jump != nil {
		errs = append(errs, c.Jump.faults()...)
	}
	for from, to := range c.Addresses {
		if !isAddress(from) || !isAddress(to) {
			errs = append(errs, fmt.Errorf("addresses: %q: %q: want host:port or host on both sides", from, to))
		} else if hasPort(to) && !hasPort(from) {
			errs = append(errs, fmt.Errorf("addresses: %q: %q: would send every port of the host to one; write host:port on the left", from, to))
		}
	}
	if _, err := netip.ParseAddr(c.Source); c.Source != "" && err != nil {
		errs = append(errs, fmt.Errorf("source: %q is no IP address", c.Source))
	}
	for _, text := range c.Allow {
		if _, err := parseRule(text); err != nil {
			errs = append(errs, fmt.Errorf("allow: %w", err))
		}
	}
	slices.SortStableFunc(errs, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) }) // maps have no order
	return errors.Join(errs...)
}

const wantProxy = "want socks5://host:port, http://host:port or https://host:port"

func (c Config) proxyFaults() []error {
	var errs []error
	if c.Proxy == "" {
		if c.ProxyLogin != "" {
			errs = append(errs, errors.New("proxyLogin: there is no proxy it could be for"))
		}
		if c.ProxyCA != "" {
			errs = append(errs, errors.New("proxyCA: there is no proxy it could be for"))
		}
		return errs
	}
	u, err := url.Parse(c.Proxy)
	switch {
	case err != nil: // not shown: it may hold a password
		return append(errs, errors.New("proxy: is no URL; "+wantProxy))
	case u.User != nil:
		return append(errs, errors.New("proxy: a login does not belong into its URL; name a secret with username and password in proxyLogin"))
	case !slices.Contains([]string{"socks5", "socks5h", "http", "https"}, u.Scheme), u.Hostname() == "", u.Path != "" && u.Path != "/", u.RawQuery != "":
		return append(errs, fmt.Errorf("proxy: %q is not supported; %s", c.Proxy, wantProxy))
	}
	if port := u.Port(); port == "" || !isPort(port) {
		errs = append(errs, fmt.Errorf("proxy: %q has no port; %s", c.Proxy, wantProxy))
	}
	if c.ProxyCA != "" && u.Scheme != "https" {
		errs = append(errs, errors.New("proxyCA: only a proxy with https:// shows a certificate"))
	}
	return errs
}

func (j *Jump) faults() []error {
	var errs []error
	if !isAddress(j.Host) {
		errs = append(errs, fmt.Errorf("jump.host: %q: want host:port, or host for port 22", j.Host))
	}
	for member, value := range map[string]string{"user": j.User, "key": j.Key, "knownHosts": j.KnownHosts} {
		if value == "" {
			errs = append(errs, fmt.Errorf("jump.%s: is missing", member))
		}
	}
	return errs
}

// isAddress takes host:port and host; an IPv6 address with a port stands in brackets.
func isAddress(text string) bool {
	host := text
	if hasPort(text) {
		host, _, _ = net.SplitHostPort(text)
	}
	_, err := netip.ParseAddr(host)
	return err == nil || hostPattern.MatchString(host)
}

func hasPort(text string) bool {
	_, port, err := net.SplitHostPort(text)
	return err == nil && isPort(port)
}

func isPort(text string) bool {
	n, err := strconv.Atoi(text)
	return err == nil && n >= 1 && n <= 65_535
}
