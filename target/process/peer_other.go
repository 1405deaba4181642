//go:build !linux

package process

import "net"

// peerCheck lets everybody in: this system has no simple way to tell whose socket a
// connection is.
func peerCheck(*child, bool) func(local, remote net.Addr) bool {
	return func(net.Addr, net.Addr) bool { return true }
}
