package kafkatest

import (
	"context"
	"net"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Fake is an in-memory Kafka cluster (kfake) and the network its clients reach it by.
// It is a Host as well: the machine that tests use unless they ask for more machines.
// Everything kfake offers (Fault, ControlKey, GroupInfo, WaitGroupStable, …) is there.
type Fake struct {
	*kfake.Cluster
	*Host
	operations // on a host of their own, so that a cut cable does not reach them

	dial   dialFunc
	hosts  *hostList
	epochs *epochs
}

// Virtual starts a fake cluster on an in-process network. It is the one to use in a
// testing/synctest bubble: no goroutine of it ever waits on a real socket. One broker
// listens on localhost:9092; kfake.Ports(9092, 9093, 9094) makes three.
// The cluster is closed when t ends, after every client made by Client.
func Virtual(t testing.TB, opts ...kfake.Opt) *Fake {
	t.Helper()
	var network kfake.VirtualNetwork
	return newFake(t, network.DialContext, append([]kfake.Opt{
		kfake.Ports(9092),
		kfake.ListenFn(network.Listen),
	}, opts...))
}

// Local starts a fake cluster on real loopback ports chosen by the kernel, for clients
// that live in another process. It cannot be used in a synctest bubble.
func Local(t testing.TB, opts ...kfake.Opt) *Fake {
	t.Helper()
	var d net.Dialer
	return newFake(t, d.DialContext, append([]kfake.Opt{kfake.NumBrokers(1)}, opts...))
}

func newFake(t testing.TB, dial dialFunc, opts []kfake.Opt) *Fake {
	t.Helper()
	c, err := kfake.NewCluster(opts...)
	if err != nil {
		t.Fatalf("start the in-memory cluster: %v", err)
	}
	t.Cleanup(c.Close)
	f := &Fake{Cluster: c, dial: dial, hosts: &hostList{}, epochs: &epochs{}}
	f.Host = f.NewHost()
	f.operations = operate(f.NewHost().Client(t))
	c.ControlKey(kmsg.OffsetForLeaderEpoch.Int16(), f.answerEpochs)
	return f
}

// NewHost adds a machine to the network. Cutting its cable, or killing it, touches
// only the clients that dial through it: a crashed process next to a living one.
func (f *Fake) NewHost() *Host {
	h := &Host{dial: f.dial, seeds: f.ListenAddrs(), open: map[*hostConn]struct{}{}}
	f.hosts.add(h)
	return h
}

type dialFunc func(ctx context.Context, network, address string) (net.Conn, error)
