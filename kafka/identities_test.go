package kafka

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Mappings that log in alike share one identity; those that only look alike do not: a
// reference of a client file means another secret in another file, and by another network
// another provider may answer.
func TestWhoSharesAnIdentity(t *testing.T) {
	t.Parallel()
	known := &Identities{}
	config := SASLConfig{Mechanism: OAuthBearer, OAuth: &OAuthConfig{TokenEndpoint: "https://idp/token", ClientID: "a", ClientSecret: "client:password"}}
	of := func(c SASLConfig, file string, networks ...string) identity {
		return entrance{Resolver: Resolver{Identities: known}, file: file, way: way{names: networks}}.identity(c)
	}
	source := func(i identity) tokenSource { return i.(bearer).tokenSource }
	first := source(of(config, "one.properties"))
	require.Same(t, first, source(of(config, "one.properties")))
	require.NotSame(t, first, source(of(config, "two.properties")))
	require.NotSame(t, first, source(of(config, "one.properties", "subnet-1")))
	other := config
	other.OAuth = &OAuthConfig{TokenEndpoint: "https://idp/token", ClientID: "b", ClientSecret: "client:password"}
	require.NotSame(t, first, source(of(other, "one.properties")))
	require.NotSame(t, first, source(entrance{}.identity(config)), "nothing is shared without Identities")
}
