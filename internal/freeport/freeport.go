// Package freeport finds ports of loopback for servers that tests start. A port is claimed
// from when it is chosen until the test is over, also while the server behind it is down, so
// no other test of any process on this machine takes it.
package freeport

import (
	"fmt"
	"math/rand/v2"
	"net"
)

// Claim is a port that nobody else who asks for one gets.
type Claim struct {
	Port int

	udp net.PacketConn // the claim itself: the system gives it to one, and takes it back when a process dies
}

// Take claims a port of 127.0.0.1 that no TCP server listens on.
//
// It chooses below the range the kernel takes outgoing connections from (32768 and up on
// Linux): while a killed server is away its clients dial its port again and again, and a
// port of that range could be taken, even by such a client dialing itself.
func Take() (Claim, error) {
	var last error
	for range 100 {
		c, err := try(20_000 + rand.IntN(12_000))
		if err == nil {
			return c, nil
		}
		last = err
	}
	return Claim{}, fmt.Errorf("find a free port on 127.0.0.1: %w", last)
}

func try(port int) (Claim, error) {
	address := fmt.Sprintf("127.0.0.1:%d", port)
	udp, err := net.ListenPacket("udp", address)
	if err != nil {
		return Claim{}, err
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		_ = udp.Close()
		return Claim{}, err
	}
	return Claim{port, udp}, l.Close()
}

// Release lets others have the port. Twice is harmless, and so is a claim of nothing.
func (c Claim) Release() {
	if c.udp != nil {
		_ = c.udp.Close()
	}
}
