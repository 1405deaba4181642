package kafka

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"reflect"
	"syscall"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"gantry/mapping"
)

// Diagnosis is what an error of a cluster means.
type Diagnosis struct {
	Problem string // LastProcessingResult, one of mapping's Problem texts
	Reason  string // StateTransitionReason, where AWS has one for it
	Cause   string // what happened
	Try     string // what to try
}

// Diagnose explains an error that came from reaching a cluster or asking something of
// it. It goes by the types in the error's tree; of several failures, as of several
// brokers, it tells the one that says most. Nil, a plain cancellation and a closed client give
// the zero Diagnosis.
func Diagnose(err error) Diagnosis {
	if err == nil || errors.Is(err, kgo.ErrClientClosed) || (errors.Is(err, context.Canceled) && !tellsMore(err)) {
		return Diagnosis{}
	}
	for _, rule := range []func(error) (Diagnosis, bool){
		ofWay, ofSecrets, ofTokens, ofKerberos, ofAWS, ofSASL, ofOurTrust, ofTheirTrust, ofACLs, ofTopics, ofSource, ofProtocol, ofNetwork,
	} {
		if d, ok := rule(err); ok {
			d.Cause += ": " + err.Error()
			return d
		}
	}
	return Diagnosis{
		Problem: mapping.ProblemConnection, Cause: "the cluster did not do what was asked: " + err.Error(),
		Try: "gantry tries again by itself; if it lasts, look into the brokers' log",
	}
}

// tellsMore says whether a connection failed besides the cancellation.
func tellsMore(err error) bool {
	var connect *ConnectError
	return errors.As(err, &connect) && !errors.Is(connect.Err, context.Canceled)
}

func ofSecrets(err error) (Diagnosis, bool) {
	var secret *SecretError
	switch {
	case errors.Is(err, ErrCertificate):
		return Diagnosis{
			Problem: mapping.ProblemCertificate, Reason: mapping.ReasonConfigNotValid,
			Cause: "a certificate or its key is not usable",
			Try:   "give a PEM chain, client certificate first, and its PKCS#8 key; openssl pkcs8 -topk8 converts a key; privateKeyPassword opens an encrypted one",
		}, true
	case errors.As(err, &secret):
		return Diagnosis{
			Problem: mapping.ProblemConnection, Reason: mapping.ReasonSourceAuthn,
			Cause: "a secret needed to connect could not be read",
			Try:   "check the reference, its rule in secrets: and the fields of the secret",
		}, true
	}
	return Diagnosis{}, false
}

func ofSASL(err error) (Diagnosis, bool) {
	d := Diagnosis{Problem: mapping.ProblemSASL, Reason: mapping.ReasonSourceAuthn}
	var cut *cutLogin
	mechanism := mechanismOf(err)
	switch {
	case errors.As(err, &cut):
		d.Cause = "the broker ended the login without saying why"
		if _, d.Try = refusedWords(mechanism); mechanism != GSSAPI && mechanism != MSKIAM {
			d.Try = "check user, password and mechanism"
		}
	case errors.Is(err, kerr.SaslAuthenticationFailed):
		d.Cause, d.Try = refusedWords(mechanism)
	case errors.Is(err, kerr.UnsupportedSaslMechanism):
		d.Cause = "the broker does not offer this SASL mechanism on this port"
		d.Try = "use a mechanism of the listener's sasl.enabled.mechanisms: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER or GSSAPI"
	case errors.Is(err, kerr.IllegalSaslState):
		d.Cause = "the broker expected no SASL login here"
		d.Try = "use the port of a SASL listener, or leave the login out"
	default:
		return Diagnosis{}, false
	}
	return d, true
}

// ofOurTrust: gantry did not accept the broker's certificate.
func ofOurTrust(err error) (Diagnosis, bool) {
	d := Diagnosis{Problem: mapping.ProblemAuthServer, Reason: mapping.ReasonSourceAuthn}
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	var verification *tls.CertificateVerificationError
	switch {
	case errors.As(err, &host):
		d.Cause = "the broker's certificate is for another name"
		d.Try = "connect by a name in the certificate's SANs, also in the brokers' advertised.listeners, or have it issued for this one"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		d.Cause = "the broker's certificate has expired or is not valid yet"
		d.Try = "renew it, or set this machine's clock right"
	case errors.As(err, &authority):
		d.Cause = "the broker's certificate is not signed by a trusted authority"
		d.Try = "give the root CA that signed it: tls.ca, or source access SERVER_ROOT_CA_CERTIFICATE"
	case errors.As(err, &verification):
		d.Cause = "the broker's certificate is not acceptable"
		d.Try = "give the root CA that signed it, or have the certificate issued anew"
	default:
		return Diagnosis{}, false
	}
	return d, true
}

// TLS alerts that are about the certificate we sent or did not send (RFC 8446, 6.2;
// RFC 5246, 7.2). 40 is handshake_failure: what TLS 1.2 brokers say when none came.
func aboutOurCertificate(alert uint64) bool {
	switch alert {
	case 40, 41, 42, 43, 44, 45, 46, 48, 49, 116:
		return true
	}
	return false
}

// remoteAlert gives the number of the TLS alert the other side ended the connection
// with. crypto/tls keeps the alert's type to itself, but not its number.
func remoteAlert(err error) (uint64, bool) {
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "remote error" || op.Err == nil {
		return 0, false
	}
	if v := reflect.ValueOf(op.Err); v.CanUint() {
		return v.Uint(), true
	}
	return 0, false
}

// ofTheirTrust: the broker did not accept us in the TLS handshake.
func ofTheirTrust(err error) (Diagnosis, bool) {
	alert, ok := remoteAlert(err)
	if !ok {
		return Diagnosis{}, false
	}
	if !aboutOurCertificate(alert) {
		return Diagnosis{
			Problem: mapping.ProblemConnection, Cause: "the broker ended the TLS handshake",
			Try: "compare the listener's ssl.enabled.protocols and ciphers; gantry speaks TLS 1.2 and 1.3",
		}, true
	}
	return Diagnosis{
		Problem: mapping.ProblemServerAuth, Reason: mapping.ReasonSourceAuthn,
		Cause: "the broker did not accept gantry's client certificate, or got none",
		Try:   "give a client certificate that the broker's trust store accepts and that has not expired: tls.cert and tls.key, or source access CLIENT_CERTIFICATE_TLS_AUTH",
	}, true
}

func ofACLs(err error) (Diagnosis, bool) {
	var d *Denied
	if !errors.As(err, &d) {
		if d = refusal(err); d == nil {
			return Diagnosis{}, false
		}
	}
	return Diagnosis{
		Problem: mapping.ProblemAuthorize, Reason: mapping.ReasonSourceAuthz,
		Cause: "the cluster's ACLs do not allow " + d.Operation + " on the " + d.Resource,
		Try:   "allow it: " + d.command(),
	}, true
}

func ofTopics(err error) (Diagnosis, bool) {
	if !errors.Is(err, ErrUnknownTopic) && !errors.Is(err, kerr.UnknownTopicOrPartition) && !errors.Is(err, kerr.UnknownTopicID) {
		return Diagnosis{}, false
	}
	return Diagnosis{
		Problem: mapping.ProblemConnection, Reason: mapping.ReasonConfigNotValid,
		Cause: "the topic does not exist on this cluster",
		Try:   "create it, or correct its name; kafka-topics --list shows those there are",
	}, true
}

func ofSource(err error) (Diagnosis, bool) {
	if !errors.Is(err, ErrAccessMissing) {
		return Diagnosis{}, false
	}
	return Diagnosis{
		Problem: mapping.ProblemConnection, Reason: mapping.ReasonConfigNotValid,
		Cause: "the source gives no access",
		Try:   "give a login, a client certificate or a root CA, name the cluster in clusters:, or set allowPlaintext: true",
	}, true
}

// ofProtocol: something answered, but not in the protocol gantry spoke.
func ofProtocol(err error) (Diagnosis, bool) {
	var first *kgo.ErrFirstReadEOF
	var header tls.RecordHeaderError
	var connect *ConnectError
	if !errors.As(err, &first) && !errors.As(err, &header) && !errors.Is(err, errTLSAnswer) {
		return Diagnosis{}, false
	}
	security := "the configured security"
	if errors.As(err, &connect) {
		security = connect.Security
	}
	return Diagnosis{
		Problem: mapping.ProblemConnection,
		Cause:   "the port was open, but what listens there did not speak " + security,
		Try:     "compare the port with the broker's listeners: 9092 is often PLAINTEXT, 9093 or 9094 SSL, 9096 SASL_SSL; TLS and login must be as the listener wants them",
	}, true
}

func ofNetwork(err error) (Diagnosis, bool) {
	var dns *net.DNSError
	var advertised *AdvertisedError
	d := Diagnosis{Problem: mapping.ProblemConnection}
	switch {
	case errors.As(err, &advertised):
		d.Cause = "a bootstrap server answered, but no broker of the cluster can be reached under the address it advertises"
		d.Try = "make the brokers' advertised.listeners reachable from this machine (names, ports, routes)"
	case errors.As(err, &dns):
		d.Cause = fmt.Sprintf("the name %s could not be resolved", dns.Name)
		d.Try = "correct the name, or the DNS of this machine"
	case errors.Is(err, syscall.ECONNREFUSED):
		d.Cause = "nothing listens at that address"
		d.Try = "check host and port against the broker's listeners, and whether the broker runs"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		d.Cause = "there is no route to the broker"
		d.Try = "check the network between this machine and the broker: routes, VPN, firewall"
	case timedOut(err):
		d.Cause = "the broker did not answer in time"
		d.Try = "check that a firewall or a wrong address does not swallow the connection, and that the broker is not overloaded"
	default:
		return Diagnosis{}, false
	}
	return d, true
}
