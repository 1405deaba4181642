package kafkatest

import (
	"fmt"
	"math/rand/v2"
	"net"
)

// ports are where one broker listens; they stay the same when it is started again.
type ports struct {
	plain, sasl, mtls, controller int
	more                          map[string]int // of Options.Listeners
	tap, tapped                   int            // where Options.Tap listens, and the broker behind it
}

// pickPorts chooses below the range the kernel takes outgoing connections from (32768
// and up on Linux): while a killed broker is away its clients dial its port again and
// again, and a port of that range could be taken, even by such a client dialing itself.
func pickPorts(more []Listener) (ports, error) {
	var picked [6]int
	for i := range picked {
		p, err := pickPort()
		if err != nil {
			return ports{}, err
		}
		picked[i] = p
	}
	all := ports{picked[0], picked[1], picked[2], picked[3], map[string]int{}, picked[4], picked[5]}
	for _, l := range more {
		p, err := pickPort()
		if err != nil {
			return ports{}, err
		}
		all.more[l.Name] = p
	}
	return all, nil
}

func pickPort() (int, error) {
	var last error
	for range 100 {
		port := 20_000 + rand.IntN(12_000)
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			return port, l.Close()
		}
		last = err
	}
	return 0, fmt.Errorf("find a free port on 127.0.0.1: %w", last)
}
