package kafka

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"
)

// expiresSoon is when a certificate that still works is worth a line.
const expiresSoon = 30 * 24 * time.Hour

// tlsStep makes the handshake and looks at the broker's certificate and at gantry's own.
func (c Cluster) tlsStep(ctx context.Context, conn net.Conn, address string) Step {
	var leaf *x509.Certificate
	var mismatch x509.HostnameError
	s := try(ctx, "TLS handshake with "+address, func(ctx context.Context) (string, error) {
		secured, err := c.handshake(ctx, conn, address)
		if err != nil {
			_ = errors.As(err, &mismatch)
			return "", err
		}
		state := secured.(*tls.Conn).ConnectionState()
		leaf = state.PeerCertificates[0]
		return fmt.Sprintf("%s; the certificate is for %s, by %s, until %s", tls.VersionName(state.Version),
			strings.Join(namesIn(leaf), ", "), leaf.Issuer, leaf.NotAfter.UTC().Format(time.RFC3339)), nil
	})
	switch {
	case s.Result == Failed:
		_ = conn.Close()
		if mismatch.Certificate != nil {
			s.Detail += "; it is for " + strings.Join(namesIn(mismatch.Certificate), ", ")
		}
	case time.Until(leaf.NotAfter) < expiresSoon:
		s.Result, s.Try = Warning, "have the broker's certificate renewed before "+leaf.NotAfter.UTC().Format(time.DateOnly)
	case s.Result == Passed:
		c.warnOfOwn(&s)
	}
	return s
}

// namesIn are the names a certificate is for.
func namesIn(leaf *x509.Certificate) []string {
	names := leaf.DNSNames
	for _, ip := range leaf.IPAddresses {
		names = append(names, ip.String())
	}
	if len(names) == 0 {
		names = []string{"no name (subject " + leaf.Subject.String() + ")"}
	}
	return names
}

// warnOfOwn warns of gantry's client certificate before its brokers refuse it.
func (c Cluster) warnOfOwn(s *Step) {
	leaf := c.ownCertificate()
	if leaf == nil {
		return
	}
	s.Detail += fmt.Sprintf("; gantry's own is of %s, until %s", leaf.Subject, leaf.NotAfter.UTC().Format(time.RFC3339))
	if time.Until(leaf.NotAfter) < expiresSoon {
		s.Result, s.Try = Warning, "renew gantry's client certificate before "+leaf.NotAfter.UTC().Format(time.DateOnly)
	}
}
