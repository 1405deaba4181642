package network_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gantry/network"
)

// echo answers what it is sent, until the test ends.
func echo(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				_, _ = conn.(*net.TCPConn).ReadFrom(conn)
			}()
		}
	}()
	return l.Addr().String()
}

func dialer(t *testing.T, entries map[string]network.Config, names ...string) network.Dial {
	t.Helper()
	for _, c := range entries {
		require.NoError(t, c.Validate())
	}
	dial, err := network.New(network.Options{Entries: entries, Log: slog.New(slog.DiscardHandler), Lookup: names2addrs}).Dial(names...)
	require.NoError(t, err)
	return dial
}

// names2addrs is a DNS with three names.
func names2addrs(_ context.Context, host string) ([]netip.Addr, error) {
	known := map[string][]netip.Addr{
		"in.example":   {netip.MustParseAddr("127.0.0.1")},
		"out.example":  {netip.MustParseAddr("192.0.2.1")},
		"both.example": {netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("::ffff:127.0.0.1")},
	}
	if addrs, ok := known[host]; ok {
		return addrs, nil
	}
	return nil, &net.DNSError{Name: host, Err: "no such host", IsNotFound: true}
}

// What the allow list has is dialled, and nothing else.
func TestAllowLists(t *testing.T) {
	t.Parallel()
	target := echo(t)
	_, port, err := net.SplitHostPort(target)
	require.NoError(t, err)
	for _, c := range []struct {
		allow   []string
		address string
		refused string // "" = connected
	}{
		{nil, target, ""},
		{[]string{}, target, "allows nothing"},
		{[]string{"127.0.0.0/8:" + port}, target, ""},
		{[]string{"127.0.0.1:*"}, target, ""},
		{[]string{"127.0.0.0/8:1-1023"}, target, "is refused by gantry"},
		{[]string{"10.0.0.0/8:*", "[::1]:*"}, target, "allows 10.0.0.0/8:*, [::1]:*"},
		{[]string{"127.0.0.0/8:*"}, "[::ffff:127.0.0.1]:" + port, ""}, // an IPv4 address in IPv6's clothes is the same one
		{[]string{"10.0.0.0/8:*"}, "[::ffff:127.0.0.1]:" + port, "is refused"},
		{[]string{"127.0.0.0/8:*"}, "in.example:" + port, ""},
		{[]string{"127.0.0.0/8:*"}, "both.example:" + port, ""}, // by the address that is allowed
		{[]string{"127.0.0.0/8:*"}, "out.example:" + port, "out.example:" + port + " (here 192.0.2.1) is refused"},
		{[]string{"127.0.0.0/8:*"}, "gone.example:" + port, "no such host"},
		{[]string{"127.0.0.0/8:9093"}, "in.example:" + port, "is refused"},
		{[]string{"in.example:9093"}, "in.example:" + port, "is refused"},
		{[]string{"*.example:9093"}, "example:9093", "is refused"},
		{[]string{"*.example:9093"}, "in.example.evil:9093", "is refused"},
		{[]string{"localhost:*"}, "LocalHost:" + port, ""},
	} {
		conn, err := dialer(t, map[string]network.Config{"n": {Allow: c.allow}}, "n")(t.Context(), "tcp", c.address)
		if c.refused == "" {
			require.NoError(t, err, "%v %s", c.allow, c.address)
			require.NoError(t, conn.Close())
			continue
		}
		require.ErrorContains(t, err, c.refused, "%v %s", c.allow, c.address)
		var e *network.Error
		require.ErrorAs(t, err, &e)
		require.Equal(t, c.refused != "no such host", e.Blocked)
		var op *net.OpError // clients that look for one try the next address
		require.ErrorAs(t, err, &op)
		require.Equal(t, "dial", op.Op)
	}
}

func TestAddressMapAndSource(t *testing.T) {
	t.Parallel()
	target := echo(t)
	host, port, err := net.SplitHostPort(target)
	require.NoError(t, err)
	entries := map[string]network.Config{
		"map":    {Addresses: map[string]string{"Kafka-1.dc": host, "kafka-2.dc:9092": target}},
		"source": {Source: "127.0.0.9"},
		"allow":  {Allow: []string{target}},
	}
	dial := dialer(t, entries, "map", "source", "allow")
	for _, address := range []string{"kafka-1.dc:" + port, "KAFKA-2.dc:9092"} {
		conn, err := dial(t.Context(), "tcp", address)
		require.NoError(t, err)
		require.Equal(t, target, conn.RemoteAddr().String())
		require.Equal(t, "127.0.0.9", conn.LocalAddr().(*net.TCPAddr).IP.String())
		require.NoError(t, conn.Close())
	}
	_, err = dial(t.Context(), "tcp", "kafka-2.dc:9093")
	require.ErrorContains(t, err, "kafka-2.dc:9093 is refused")
}

func TestWhatDoesNotGoTogether(t *testing.T) {
	t.Parallel()
	n := network.New(network.Options{Entries: map[string]network.Config{
		"a": {Proxy: "socks5://a:1080", Source: "10.0.0.1", Addresses: map[string]string{"k": "x"}},
		"b": {Proxy: "socks5://b:1080", Source: "10.0.0.2", Addresses: map[string]string{"k": "y"}},
		"c": {Proxy: "socks5://a:1080", Allow: []string{"10.0.0.0/8:*"}, AllowPlaintext: true},
	}})
	err := n.Check("a", "b", "d")
	for _, want := range []string{"networks a and b name two different ways", "network b has the source address", "network b maps k to y", `"d" is no name in networks:`} {
		require.ErrorContains(t, err, want)
	}
	require.NoError(t, n.Check("a", "c"), "the same way twice is one")
	require.NoError(t, n.Check())
	require.True(t, n.Plaintext("a", "c"))
	require.False(t, n.Plaintext("a", "b"))
}

// A refusal is logged once for ten minutes, not with every attempt.
func TestARefusalIsLoggedOnce(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	n := network.New(network.Options{
		Entries: map[string]network.Config{"n": {Allow: []string{}}}, Log: slog.New(slog.NewTextHandler(&log, nil)),
	})
	dial, err := n.Dial("n")
	require.NoError(t, err)
	for range 3 {
		_, err := dial(t.Context(), "tcp", "127.0.0.1:1")
		require.Error(t, err)
	}
	require.Equal(t, 1, bytes.Count(log.Bytes(), []byte(`msg="egress refused"`)))
}

// A way that is silent ends with the caller's time.
func TestASilentProxyEndsWithTheCallersTime(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0") // accepts, by the backlog, and never answers
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	for _, scheme := range []string{"socks5://", "http://", "https://"} {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		_, err = dialer(t, map[string]network.Config{"n": {Proxy: scheme + l.Addr().String()}}, "n")(ctx, "tcp", "kafka:9092")
		cancel()
		var e *network.Error
		require.ErrorAs(t, err, &e, scheme)
		var timeout net.Error
		require.True(t, errors.As(err, &timeout) && timeout.Timeout(), "%s: %v", scheme, err)
	}
}
