package cloud

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"golang.org/x/net/http/httpproxy"
)

// client is the HTTP client of all calls. Without a proxy of ours it is the SDK's, which
// follows HTTPS_PROXY and NO_PROXY.
func (c *Cloud) client() (*awshttp.BuildableClient, error) {
	client := awshttp.NewBuildableClient()
	switch {
	case c.o.Dial != nil:
		// The network is the whole way: a proxy of the environment would be another.
		return client.WithTransportOptions(func(t *http.Transport) { t.DialContext, t.Proxy = c.o.Dial, nil }), nil
	case c.cfg.Proxy == "":
		return client, nil
	}
	if !isURL(c.cfg.Proxy, "http", "https", "socks5", "socks5h") && c.o.Secrets == nil {
		return nil, errors.New("aws.proxy: it names a secret, and secrets can't be resolved here")
	}
	return client.WithTransportOptions(func(t *http.Transport) { t.Proxy = c.proxy }), nil
}

// proxy gives the proxy of a request, or none where NO_PROXY and noProxy say so. A secret
// is asked for each time: it is kept by its resolver, and may be rotated.
func (c *Cloud) proxy(r *http.Request) (*url.URL, error) {
	address, err := c.proxyURL(r.Context())
	if err != nil {
		return nil, err
	}
	except := strings.Join(append([]string{os.Getenv("NO_PROXY"), os.Getenv("no_proxy")}, c.cfg.NoProxy...), ",")
	chosen := httpproxy.Config{HTTPProxy: address, HTTPSProxy: address, NoProxy: except}
	return chosen.ProxyFunc()(r.URL)
}

func (c *Cloud) proxyURL(ctx context.Context) (string, error) {
	if isURL(c.cfg.Proxy, "http", "https", "socks5", "socks5h") {
		return c.cfg.Proxy, nil
	}
	address, err := c.o.Secrets.One(ctx, c.cfg.Proxy)
	switch {
	case err != nil:
		return "", fmt.Errorf("aws.proxy: %w", err)
	case !isURL(address, "http", "https", "socks5", "socks5h"):
		return "", errors.New("aws.proxy: the secret holds no URL such as http://user:password@proxy:3128")
	}
	return address, nil
}
