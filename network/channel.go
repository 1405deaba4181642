package network

import (
	"io"
	"net"
)

// newChannel gives an SSH channel the deadlines it lacks: Kafka and HTTP clients end
// reads and writes by them, and would wait for ever without. Bytes pass through a pipe,
// which has them.
func newChannel(ssh net.Conn) net.Conn {
	near, far := net.Pipe()
	go carry(far, ssh)
	go carry(ssh, far)
	return channel{Conn: near, local: ssh.LocalAddr(), remote: ssh.RemoteAddr()}
}

// carry copies until one side ends, and ends the other.
func carry(to, from net.Conn) {
	_, _ = io.Copy(to, from) // whoever uses the connection sees how it ended
	_ = to.Close()
	_ = from.Close()
}

type channel struct {
	net.Conn
	local, remote net.Addr
}

// LocalAddr implements net.Conn.
func (c channel) LocalAddr() net.Addr { return c.local }

// RemoteAddr implements net.Conn.
func (c channel) RemoteAddr() net.Addr { return c.remote }
