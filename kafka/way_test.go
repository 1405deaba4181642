package kafka_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"gantry/kafka"
	"gantry/mapping"
)

// ways is a networks: with entries named way, private and shut.
type ways struct{}

type refusal struct{ error }

func (refusal) Explain() (cause, try string) { return "gantry's own rules refuse it", "allow it" }

func (ways) Dial(names ...string) (func(ctx context.Context, network, address string) (net.Conn, error), error) {
	for _, name := range names {
		if !slices.Contains([]string{"way", "private", "shut"}, name) {
			return nil, fmt.Errorf("%q is no name in networks", name)
		}
	}
	return func(context.Context, string, string) (net.Conn, error) {
		return nil, refusal{fmt.Errorf("%v refuses", names)}
	}, nil
}

func (ways) Plaintext(names ...string) bool { return slices.Contains(names, "private") }

// A source goes through the networks it names, else through its cluster's; an unknown
// name is an error, and so is any name where there are no networks.
func TestNetworksOfASource(t *testing.T) {
	t.Parallel()
	r := kafka.Resolver{
		Clusters: map[string]kafka.Config{"far": {Brokers: []string{"far:9092"}, AllowPlaintext: true, Network: []string{"way"}}},
		Networks: ways{},
	}
	vpc := func(kind, uri string) []mapping.Access { return []mapping.Access{{Type: kind, URI: uri}} }
	for _, c := range []struct {
		src  mapping.Source
		dial string // what the dialer says; "" = an error of Resolve
		err  string
	}{
		{mapping.Source{Cluster: "far"}, "[way] refuses", ""},
		{mapping.Source{Cluster: "far", Networks: []string{"shut"}}, "[shut] refuses", ""},
		{mapping.Source{Cluster: "far", Access: vpc(mapping.VPCSubnet, "subnet:shut")}, "[shut] refuses", ""},
		{mapping.Source{Cluster: "far", Access: vpc(mapping.VPCSecurityGroup, "security_group:shut")}, "[shut] refuses", ""},
		{mapping.Source{Cluster: "far", Access: vpc(mapping.VPCSubnet, "subnet:subnet-1")}, "", `"subnet-1" is no name in networks`},
		{mapping.Source{Bootstrap: []string{"b:9092"}, Access: vpc(mapping.VPCSubnet, "subnet:way")}, "", kafka.ErrAccessMissing.Error()},
		{mapping.Source{Bootstrap: []string{"b:9092"}, Access: vpc(mapping.VPCSubnet, "subnet:private")}, "[private] refuses", ""},
	} {
		k, err := r.Resolve(t.Context(), c.src)
		if c.err != "" {
			require.ErrorContains(t, err, c.err)
			continue
		}
		require.NoError(t, err)
		_, err = k.Dial(t.Context(), "tcp", "far:9092")
		require.EqualError(t, err, c.dial)
	}
	_, err := kafka.Resolver{Clusters: r.Clusters}.Resolve(t.Context(), mapping.Source{Cluster: "far"})
	require.ErrorContains(t, err, "there is no networks: in the configuration")
}

// What a dialer says of itself wins over what its error looks like.
func TestADialersOwnAccountIsTheDiagnosis(t *testing.T) {
	t.Parallel()
	err := &kafka.ConnectError{Broker: "b:9092", Security: "PLAINTEXT", Err: &net.OpError{Op: "dial", Err: refusal{errors.New("no")}}}
	d := kafka.Diagnose(&kafka.AdvertisedError{Err: err})
	require.Equal(t, mapping.ProblemConnection, d.Problem)
	require.Contains(t, d.Cause, "gantry's own rules refuse it: ")
	require.Contains(t, d.Cause, "advertised")
	require.Equal(t, "allow it", d.Try)
}
