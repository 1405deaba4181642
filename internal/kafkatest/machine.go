package kafkatest

import (
	"context"
	"net"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Machine is where a cluster runs when it is not this one: a network namespace.
type Machine struct {
	Name string   // what the brokers advertise; must be known there
	Exec []string // the beginning of a command line that runs a program there
	// Dial connects from there. The test's own clients use it, with 127.0.0.1 for Name.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// loopback is the machine that tests run on.
const loopback = "127.0.0.1"

func (o Options) name() string {
	if o.Machine == nil {
		return loopback
	}
	return o.Machine.Name
}

// listen is the address the brokers' doors are at.
func (o Options) listen() string {
	if o.Machine == nil {
		return loopback
	}
	return "0.0.0.0"
}

// command is the command line that starts a program where the cluster runs.
func (o Options) command(program string, args []string) (string, []string) {
	if o.Machine == nil {
		return program, args
	}
	line := append(append(append([]string{}, o.Machine.Exec...), program), args...)
	return line[0], line[1:]
}

// dialer lets the test's clients reach brokers on another machine.
func (o Options) dialer() []kgo.Opt {
	if o.Machine == nil {
		return nil
	}
	return []kgo.Opt{kgo.Dialer(func(ctx context.Context, network, address string) (net.Conn, error) {
		if host, port, err := net.SplitHostPort(address); err == nil && host == o.Machine.Name {
			address = net.JoinHostPort(loopback, port)
		}
		return o.Machine.Dial(ctx, network, address)
	})}
}
