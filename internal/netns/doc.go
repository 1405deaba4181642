// Package netns gives tests Linux network namespaces: machines of their own, joined by
// cables, in which a thing can be reached only by the ways a test laid.
//
//	w := netns.New(t)                        // skips where that cannot be had
//	dc, edge := w.Host("dc"), w.Host("edge")
//	w.Cable(edge, dc)                        // edge and dc see each other, nobody else does
//	dc.Run("microsocks", "-p", "1080")       // a program there, ended with the test
//	l := dc.Listen("tcp", "127.0.0.1:0")     // a socket there, served by the test
//	conn, err := edge.Dial(ctx, "tcp", dc.Addr(edge)+":1080")
//
// A host has its own loopback, no routes but its cables, and its own /etc/hosts: names
// given with Name are known to the programs started by Run or Command there, and to
// nobody else. A host without a cable is a machine without a network: what runs there
// can reach its own loopback alone ("egress denied").
//
// It needs Linux, root and ip (Debian: iproute2). Namespaces, cables and programs end
// with the test.
package netns
