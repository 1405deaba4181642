package kafka

import (
	"crypto/tls"
	"slices"
	"strings"

	"gantry/kafka/keystore"
)

const (
	trustStore = "ssl.truststore.location"
	keyStore   = "ssl.keystore.location"
)

// tls reads the ssl. settings: what is trusted, who one is, and how strictly.
func (t *translation) tls() {
	c := &TLSConfig{}
	t.config.TLS = c
	if trusted := t.trusted("ssl."); trusted != "" {
		c.CA = t.hold(Material{Ref: "truststore", What: "the trusted certificates", File: "ca.pem", Text: trusted})
	}
	if pair := t.identity(); pair != (keystore.Pair{}) {
		c.Cert = t.hold(Material{Ref: "certificate", What: "the client's certificate", File: "cert.pem", Text: pair.Chain})
		c.Key = t.hold(Material{Ref: "key", What: "the client's private key, not encrypted", File: "key.pem", Text: pair.Key})
	}
	t.hostname(c)
	t.protocols(c)
	t.ciphers(c)
}

func (t *translation) hostname(c *TLSConfig) {
	const key = "ssl.endpoint.identification.algorithm"
	switch algorithm := t.get(key); {
	case !t.has(key) || strings.EqualFold(algorithm, "https"):
	case algorithm == "":
		c.AnyHostname = true
	default:
		t.fault(key, "%q is not supported; want https, or nothing to accept a certificate for any name", algorithm)
	}
}

// protocols takes the versions gantry speaks out of those that are allowed.
func (t *translation) protocols(c *TLSConfig) {
	const key = "ssl.enabled.protocols"
	known := tlsVersions()
	allowed := t.list(key)
	if protocol := t.get("ssl.protocol"); protocol != "" {
		t.note("ssl.protocol", "it chooses among parts of Java's TLS; ssl.enabled.protocols says what may be spoken")
	}
	for _, name := range allowed {
		if _, ok := known[name]; ok {
			c.Protocols = append(c.Protocols, name)
		} else if !slices.Contains([]string{"TLSv1", "TLSv1.1", "SSLv2Hello", "SSLv3"}, name) {
			t.fault(key, "%q is not known; want TLSv1.2, TLSv1.3", name)
		}
	}
	switch {
	case len(allowed) > 0 && len(c.Protocols) == 0:
		t.fault(key, "it allows versions alone that are broken; gantry speaks TLSv1.2 and TLSv1.3")
	case len(c.Protocols) < len(allowed):
		t.note(key, "versions below TLSv1.2 are broken and not spoken; the others are used")
	}
	if len(c.Protocols) == len(known) { // as gantry does it anyway
		c.Protocols = nil
	}
}

func (t *translation) ciphers(c *TLSConfig) {
	const key = "ssl.cipher.suites"
	wanted := t.list(key)
	if len(wanted) == 0 {
		return
	}
	var unknown []string
	newest := 0
	for _, name := range wanted {
		switch suite, ok := cipherSuite(name); {
		case !ok:
			unknown = append(unknown, name)
		case slices.Equal(suite.SupportedVersions, []uint16{tls.VersionTLS13}):
			newest++ // Go speaks all of them, and can't be told not to
		default:
			c.CipherSuites = append(c.CipherSuites, name)
		}
	}
	switch {
	case newest == 0 && len(c.CipherSuites) == 0:
		t.fault(key, "none of %s is supported; Go's TLS has those with ECDHE or RSA, and AES or ChaCha20", strings.Join(unknown, ", "))
	case len(c.CipherSuites) == 0:
		c.Protocols = []string{"TLSv1.3"}
	}
	if len(unknown) > 0 {
		t.note(key, strings.Join(unknown, ", ")+" are not in Go's TLS; the others are used")
	}
}

func cipherSuite(name string) (*tls.CipherSuite, bool) {
	for _, suite := range slices.Concat(tls.CipherSuites(), tls.InsecureCipherSuites()) {
		if suite.Name == name {
			return suite, true
		}
	}
	return nil, false
}

// store is what the settings say of one store: a file, or PEM in the settings themselves.
type store struct {
	kind     string // JKS, PKCS12, PEM
	location string
	password string
	content  []byte
}

// open reads the file of a store, of settings that begin with prefix; ok says that there
// is one and its kind is known.
func (t *translation) open(prefix string) (s store, ok bool) {
	s = store{kind: strings.ToUpper(t.get(prefix + "type")), location: t.get(prefix + "location"), password: t.get(prefix + "password")}
	if s.kind == "" {
		s.kind = "JKS"
	}
	if !slices.Contains([]string{"JKS", "PKCS12", "PEM"}, s.kind) {
		t.fault(prefix+"type", "%q is not supported; JKS, PKCS12 and PEM are", s.kind)
		return s, false
	}
	if s.location == "" {
		return s, true
	}
	if s.kind == "PEM" && s.password != "" {
		t.fault(prefix+"password", "a store of type PEM has no password, and Kafka's client refuses one; ssl.key.password is that of its key")
		return s, false
	}
	var err error
	if s.content, err = t.file(s.location); err != nil {
		t.fault(prefix+"location", "%v", err)
	}
	return s, err == nil
}

// trusted gives the trusted certificates of settings that begin with prefix; "" = none.
func (t *translation) trusted(prefix string) string {
	inline := t.get(prefix + "truststore.certificates")
	s, ok := t.open(prefix + "truststore.")
	key := prefix + "truststore.location"
	if inline != "" {
		key = prefix + "truststore.certificates"
	}
	switch {
	case !ok:
		return ""
	case inline != "" && s.location != "":
		t.fault(key, "contradicts %struststore.location; keep one of the two", prefix)
	case inline != "" && s.kind != "PEM":
		t.fault(key, "it is used with %struststore.type=PEM alone", prefix)
	case s.location == "" && inline == "":
		if s.password != "" {
			t.note(prefix+"truststore.password", "there is no trust store; the system's trusted certificates count")
		}
		return ""
	case s.kind == "PEM":
		text := keystore.Tidy(inline + string(s.content))
		if _, err := roots(text); err != nil {
			t.fault(key, "%v", err)
		}
		return text
	default:
		text, err := keystore.Trusted(s.content, s.password)
		if err != nil {
			t.fault(key, "read the trust store: %v", err)
		}
		return text
	}
	return ""
}

// identity gives the client's certificate and key; the zero Pair where there is none.
func (t *translation) identity() keystore.Pair {
	chain, key := t.get("ssl.keystore.certificate.chain"), t.get("ssl.keystore.key")
	password := t.get("ssl.key.password")
	s, ok := t.open("ssl.keystore.")
	where, inline := keyStore, chain != "" || key != ""
	if inline {
		where = "ssl.keystore.key"
	}
	var pair keystore.Pair
	var err error
	switch {
	case !ok:
		return pair
	case inline && s.location != "":
		t.fault(keyStore, "contradicts ssl.keystore.key and ssl.keystore.certificate.chain; keep one of the two")
	case inline && s.kind != "PEM":
		t.fault(where, "it is used with ssl.keystore.type=PEM alone")
	case inline && (chain == "" || key == ""):
		t.fault(where, "ssl.keystore.key and ssl.keystore.certificate.chain belong together; one is missing")
	case !inline && s.location == "":
		for _, stray := range []string{"ssl.keystore.password", "ssl.key.password"} {
			t.note(stray, "there is no key store it could open")
		}
	case s.kind == "PEM":
		pair, err = pemIdentity(chain+"\n"+string(s.content), key+"\n"+string(s.content), password)
	default:
		pair, err = keystore.Identity(s.content, keystore.Passwords{Store: s.password, Key: password})
	}
	if err == nil && pair != (keystore.Pair{}) {
		_, err = keyPair(pair.Chain, pair.Key, "")
	}
	if err != nil {
		t.fault(where, "read the key store: %v", err)
		return keystore.Pair{}
	}
	return pair
}

func pemIdentity(chain, key, password string) (keystore.Pair, error) {
	opened, err := openKey(keystore.Tidy(key), password)
	if err != nil {
		return keystore.Pair{}, err
	}
	var certificates strings.Builder
	err = eachCertificate(keystore.Tidy(chain), func(der []byte) error {
		certificates.WriteString(pemCertificate(der))
		return nil
	})
	return keystore.Pair{Chain: certificates.String(), Key: string(opened)}, err
}
