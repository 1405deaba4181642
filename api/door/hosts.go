package door

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// hosts are the names a client may use for this listener, as a Host header spells them.
type hosts map[string]bool

// hostsOf gives the names of a listener, and whether it is on loopback.
func hostsOf(listen string, names []string) (hosts, bool, error) {
	addr, err := netip.ParseAddrPort(listen)
	if err != nil {
		return nil, false, fmt.Errorf("listen %q is no IP:PORT", listen)
	}
	port := fmt.Sprint(addr.Port())
	known := hosts{}
	known.add(addr.Addr().Unmap().String(), port)
	loopback := addr.Addr().Unmap().IsLoopback()
	if loopback || addr.Addr().IsUnspecified() {
		known.add("localhost", port)
		known.add("127.0.0.1", port)
		known.add("::1", port)
	}
	var faults []error
	for _, name := range names {
		if strings.ContainsAny(name, "/* \t") || name == "" {
			faults = append(faults, fmt.Errorf("host name %q: give a name, or name:port", name))
			continue
		}
		if host, own, err := net.SplitHostPort(name); err == nil {
			known.add(host, own)
		} else {
			known.add(strings.Trim(name, "[]"), port)
		}
	}
	return known, loopback, errors.Join(faults...)
}

func (h hosts) add(host, port string) {
	host = strings.ToLower(host)
	h[net.JoinHostPort(host, port)] = true
	if port != "80" && port != "443" {
		return
	}
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	h[host] = true // clients leave the scheme's own port out
}

// check refuses what another site's page could send through somebody's browser.
func (h hosts) check(r *http.Request) error {
	if !h[strings.ToLower(r.Host)] {
		return forbidden("The Host header %q is not a name of this listener; add it to the configured host names if it is meant to be one", r.Host)
	}
	for _, origin := range r.Header.Values("Origin") {
		u, err := url.Parse(origin)
		if err != nil || !h[strings.ToLower(u.Host)] || u.Scheme != "https" && (u.Scheme != "http" || r.TLS != nil) {
			return forbidden("Requests from pages of another origin (%q) are not accepted", origin)
		}
	}
	for _, site := range r.Header.Values("Sec-Fetch-Site") {
		if site != "same-origin" && site != "none" {
			return forbidden("Requests from pages of another site (Sec-Fetch-Site: %q) are not accepted", site)
		}
	}
	return nil
}
