package kafka

import (
	"cmp"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"gantry/kafka/clientfile"
)

const (
	endpointKey  = "sasl.oauthbearer.token.endpoint.url"
	assertionKey = "sasl.oauthbearer.assertion."
)

// bearer reads where tokens come from, in the words of Kafka (KIP-768, KIP-1139), of
// Strimzi's library, or of Amazon's.
func (o *options) bearer() {
	handler := class(o.get(loginHandler))
	switch short := handler[strings.LastIndex(handler, ".")+1:]; {
	case handler == "software.amazon.msk.auth.iam.IAMOAuthBearerLoginCallbackHandler":
		o.config.SASL.Mechanism = MSKIAM
		o.iam()
	case handler == "io.strimzi.kafka.oauth.client.JaasClientOauthLoginCallbackHandler":
		o.strimzi()
	case strings.HasPrefix(handler, "org.apache.kafka.common.security.oauthbearer.") && short == "OAuthBearerLoginCallbackHandler":
		o.kafkaOAuth()
	case handler == "":
		o.fault(loginHandler, "is missing, so Kafka's client would make up a token without a signature; "+
			"want org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginCallbackHandler")
		o.seen()
	default:
		o.fault(loginHandler, "%s is not supported: it is Java code that fetches tokens in its own way; "+
			"those of Kafka, Strimzi and Amazon are", handler)
		o.seen()
	}
	if c := o.config.SASL.OAuth; c != nil {
		for _, err := range c.faults() {
			o.fault(jaas, "%v", err)
		}
	}
}

// seen takes every option of the login module as told: they are those of a handler that
// was refused.
func (o *options) seen() {
	for name := range o.login.Options {
		o.known[name] = true
	}
	for key := range o.settings {
		if strings.HasPrefix(key, "sasl.oauthbearer.") {
			o.translation.known[key] = true
		}
	}
}

// kafkaOAuth is Kafka's own handler.
func (o *options) kafkaOAuth() {
	c := &OAuthConfig{Extensions: o.extensions("extension_")}
	o.config.SASL.OAuth = c
	retriever := class(o.get("sasl.oauthbearer.jwt.retriever.class"))
	endpoint := o.get(endpointKey)
	o.note("sasl.oauthbearer.header.urlencode", "gantry always encodes id and secret, as RFC 6749, 2.3.1 says")
	o.ignore("gantry has timeouts and retries of its own", "connectTimeoutMs", "readTimeoutMs", "retryBackoffMs", "retryBackoffMaxMs")
	switch short := retriever[strings.LastIndex(retriever, ".")+1:]; {
	case retriever != "" && !strings.HasPrefix(retriever, "org.apache.kafka.common.security.oauthbearer."):
		o.fault("sasl.oauthbearer.jwt.retriever.class", "%s is not supported; Java code can't be loaded here", retriever)
	case short == "FileJwtRetriever" || (short != "JwtBearerJwtRetriever" && strings.HasPrefix(endpoint, "file:")):
		c.Token = o.tokenFile(endpoint)
	case short == "JwtBearerJwtRetriever":
		c.TokenEndpoint, c.CA = endpoint, o.endpointCA("")
		c.Scope = cmp.Or(o.get("sasl.oauthbearer.scope"), o.option("scope"))
		o.jwtBearer(c)
	case retriever == "" || short == "DefaultJwtRetriever" || short == "ClientCredentialsJwtRetriever":
		c.TokenEndpoint, c.CA = endpoint, o.endpointCA("")
		c.ClientID = cmp.Or(o.get("sasl.oauthbearer.client.credentials.client.id"), o.option("clientId"))
		c.Scope = cmp.Or(o.get("sasl.oauthbearer.scope"), o.option("scope"))
		o.secret(c, cmp.Or(o.get("sasl.oauthbearer.client.credentials.client.secret"), o.option("clientSecret")))
	default:
		o.fault("sasl.oauthbearer.jwt.retriever.class", "%s is not supported", retriever)
	}
	o.strayAssertion()
}

func (o *options) secret(c *OAuthConfig, secret string) {
	encoded := strings.EqualFold(o.settings["sasl.oauthbearer.header.urlencode"].Value, "true")
	if !encoded && (url.QueryEscape(secret) != secret || url.QueryEscape(c.ClientID) != c.ClientID) {
		o.noteOption("clientSecret", "id or secret has letters that gantry encodes, as RFC 6749, 2.3.1 says, and Kafka's client does not; where the endpoint refuses it, import the file and set clientAuth: post")
	}
	if secret != "" {
		c.ClientSecret = o.hold(Material{Ref: "client-secret", What: "the client's secret", File: "client-secret", Text: secret})
	}
}

// tokenFile is a token somebody else fetches into a file.
func (o *options) tokenFile(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Path == "" {
		o.fault(endpointKey, "it names no file; want file:///path")
		return ""
	}
	return "file:" + o.absolute(u.Path)
}

func (t *translation) absolute(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	if dir, err := filepath.Abs(t.dir); err == nil {
		return filepath.Join(dir, path)
	}
	return filepath.Join(t.dir, path)
}

func (o *options) extensions(prefix string) map[string]string {
	var all map[string]string
	for name, value := range o.login.Options {
		if key, ok := strings.CutPrefix(name, prefix); ok {
			if all == nil {
				all = map[string]string{}
			}
			o.known[name] = true
			all[key] = value
		}
	}
	return all
}

// jwtBearer is an assertion: signed here, or ready in a file.
func (o *options) jwtBearer(c *OAuthConfig) {
	if file := o.get(assertionKey + "file"); file != "" {
		c.Assertion = "file:" + o.absolute(file)
		return
	}
	c.Issuer, c.Subject = o.get(assertionKey+"claim.iss"), o.get(assertionKey+"claim.sub")
	c.AssertionAudience = o.get(assertionKey + "claim.aud")
	if seconds := o.get(assertionKey + "claim.exp.seconds"); seconds != "" {
		n, err := strconv.Atoi(seconds)
		if err != nil {
			o.fault(assertionKey+"claim.exp.seconds", "it is no number of seconds")
		}
		c.AssertionLifetime = time.Duration(n) * time.Second
	}
	if file := o.get(assertionKey + "private.key.file"); file == "" {
		o.fault(assertionKey+"private.key.file", "is missing; want a PEM key, or sasl.oauthbearer.assertion.file")
	} else {
		c.PrivateKey = "file:" + o.absolute(file)
	}
	if password := o.get(assertionKey + "private.key.passphrase"); password != "" {
		c.PrivateKeyPassword = o.hold(Material{Ref: "assertion-key-password", What: "the password of the assertion's key", File: "assertion-key-password", Text: password})
	}
	if a := o.get(assertionKey + "algorithm"); a != "" && !slices.Contains([]string{"RS256", "ES256"}, a) {
		o.fault(assertionKey+"algorithm", "%q is not supported; RS256 and ES256 are, by the kind of the key", a)
	}
	if o.get(assertionKey+"template.file") != "" {
		o.fault(assertionKey+"template.file", "is not supported; issuer, subject and audience have settings of their own, and kid is sasl.oauth.keyId in YAML")
	}
	o.note(assertionKey+"claim.nbf.seconds", "an assertion holds from the moment it is signed")
	o.note(assertionKey+"claim.jti.include", "each assertion has an id of its own")
}

func (o *options) strayAssertion() {
	for key := range o.settings {
		if strings.HasPrefix(key, assertionKey) && !o.translation.known[key] {
			o.note(key, "it is used with sasl.oauthbearer.jwt.retriever.class=…JwtBearerJwtRetriever alone")
		}
	}
}

// endpointCA reads the trust store of the token endpoint, whose settings stand among the
// options of the login module, with their names behind prefix.
func (o *options) endpointCA(prefix string) string {
	inner := &translation{clientRead: clientRead{files: o.files}, path: o.path, dir: o.dir, settings: o.settingsOf(prefix), known: map[string]bool{}}
	text := inner.trusted("ssl.")
	for _, f := range inner.faults {
		o.fault(jaas, "of the token endpoint, %s", f.text)
	}
	for key := range inner.settings {
		switch name := prefix + key; {
		case inner.known[key]:
			o.known[name] = true
		case key == "ssl.protocol" || key == "ssl.secure.random.implementation":
			o.ignore("it chooses among parts of Java's TLS; gantry has Go's", name)
		case key == "ssl.endpoint.identification.algorithm" && strings.EqualFold(inner.get(key), "https"):
			o.known[name] = true
		}
	}
	if text == "" {
		return ""
	}
	return o.hold(Material{Ref: "token-endpoint-ca", What: "the trusted certificates of the token endpoint", File: "token-endpoint-ca.pem", Text: text})
}

// strimzi is Strimzi's OAuth library, whose settings are all options of the module.
func (o *options) strimzi() {
	c := &OAuthConfig{
		TokenEndpoint: o.option("oauth.token.endpoint.uri"), ClientID: o.option("oauth.client.id"),
		Scope: o.option("oauth.scope"), Audience: o.option("oauth.audience"), Extensions: o.extensions("oauth.sasl.extension."),
	}
	o.config.SASL.OAuth = c
	o.secret(c, o.option("oauth.client.secret"))
	c.CA = o.endpointCA("oauth.")
	if token := o.option("oauth.access.token"); token != "" {
		c.Token = o.hold(Material{Ref: "token", What: "a ready token", File: "token", Text: token})
	}
	if file := o.option("oauth.access.token.location"); file != "" {
		c.Token = "file:" + o.absolute(file)
	}
	if c.Token != "" { // Strimzi's library leaves the others aside
		c.TokenEndpoint, c.CA, c.ClientID, c.ClientSecret, c.Scope, c.Audience = "", "", "", "", "", ""
	}
	for _, name := range []string{
		"oauth.refresh.token", "oauth.refresh.token.location", "oauth.password.grant.username", "oauth.password.grant.password",
		"oauth.client.assertion", "oauth.client.assertion.location", "oauth.client.assertion.type",
	} {
		if o.option(name) != "" {
			o.optionFault(name, "is not supported; a client's id with its secret, and ready tokens are")
		}
	}
	o.ignore("the broker judges the token, not who sends it", "oauth.access.token.is.jwt", "oauth.username.claim", "oauth.fallback.username.claim",
		"oauth.fallback.username.prefix", "oauth.username.prefix", "oauth.check.access.token.type", "oauth.check.issuer", "oauth.check.audience", "oauth.valid.issuer.uri")
	o.ignore("gantry has timeouts, retries and metrics of its own", "oauth.connect.timeout.seconds", "oauth.read.timeout.seconds", "oauth.http.retries",
		"oauth.http.retry.pause.millis", "oauth.max.token.expiry.seconds", "oauth.enable.metrics", "oauth.include.accept.header", "oauth.config.id")
}

// settingsOf gives the options behind a prefix as settings: ssl.truststore.location, ….
func (o *options) settingsOf(prefix string) map[string]clientfile.Pair {
	found := map[string]clientfile.Pair{}
	for name, value := range o.login.Options {
		if key, ok := strings.CutPrefix(name, prefix); ok && strings.HasPrefix(key, "ssl.") {
			found[key] = clientfile.Pair{Key: key, Value: value, Line: o.settings[jaas].Line}
		}
	}
	return found
}
