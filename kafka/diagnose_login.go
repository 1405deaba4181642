package kafka

import (
	"crypto/x509"
	"errors"
	"net"
	"strings"
	"syscall"

	"github.com/aws/smithy-go"

	"gantry/mapping"
)

// loginProblem is what every failure to log in has in common.
func loginProblem(cause, try string) Diagnosis {
	return Diagnosis{Problem: mapping.ProblemSASL, Reason: mapping.ReasonSourceAuthn, Cause: cause, Try: try}
}

// mechanismOf gives the mechanism of the connection that failed; "" = none, or not known.
func mechanismOf(err error) Mechanism {
	var connect *ConnectError
	if errors.As(err, &connect) {
		return connect.Mechanism
	}
	return ""
}

// ofTokens: a token could not be had, or a broker refused one.
func ofTokens(err error) (Diagnosis, bool) {
	var refused *RefusedTokenError
	var failed *TokenError
	switch {
	case errors.As(err, &refused) && mechanismOf(err) == MSKIAM:
		return loginProblem(refusedWords(MSKIAM)), true
	case errors.As(err, &refused):
		return loginProblem("the broker refused the token", tryToken(refused)), true
	case errors.As(err, &failed) && errors.Is(failed, errTokenEnded):
		return loginProblem("the token to log in with has expired", "see why whoever writes it has stopped renewing it"), true
	case errors.As(err, &failed) && failed.Err != nil:
		return loginProblem("the token endpoint could not be reached or did not answer in its protocol", tryEndpoint(failed)), true
	case errors.As(err, &failed):
		return loginProblem("the token endpoint gave no token", tryTokenCode(failed)), true
	}
	return Diagnosis{}, false
}

func tryToken(e *RefusedTokenError) string {
	switch {
	case e.Status == "insufficient_scope" || e.Scope != "":
		return "ask for the scope the broker wants: oauth.scope, or source access OAUTHBEARER_SCOPE"
	case e.Claims == "":
		return "the token is no JWT, or not one the broker can read; its log says more (OAuthBearerValidatorCallbackHandler)"
	}
	return "compare what the token says with the listener's sasl.oauthbearer.expected.audience, .expected.issuer, .scope.claim.name and .sub.claim.name, " +
		"and the clocks of broker and identity provider; the broker's log names the claim"
}

// tryTokenCode goes by the errors of RFC 6749, 5.2, RFC 7523, 3.1 and RFC 8707, 2.
func tryTokenCode(e *TokenError) string {
	switch e.Code {
	case "invalid_client":
		return "check client id and secret, that the secret has not expired, and how it is sent (clientAuth: basic or post)"
	case "unauthorized_client", "unsupported_grant_type":
		return "let the identity provider allow this client the grant: client credentials with a clientSecret, JWT bearer with a privateKey or an assertion"
	case "invalid_scope":
		return "check the scope: oauth.scope, or source access OAUTHBEARER_SCOPE; the provider may not grant it to this client"
	case "invalid_target":
		return "check the audience: oauth.audience, or source access OAUTHBEARER_AUDIENCE"
	case "invalid_grant":
		return "the assertion was not accepted: check that its key is registered with the provider, issuer, subject, assertionAudience and keyId, and this machine's clock"
	case "invalid_request":
		return "check which parameters the provider wants: scope, audience, clientAuth"
	}
	if e.Status == 404 || e.Status == 405 || e.Status/100 == 3 {
		return "check the endpoint's path; the provider's /.well-known/openid-configuration names it as token_endpoint, and redirects are not followed"
	}
	return "look into the identity provider's log; gantry asks again by itself"
}

func tryEndpoint(e *TokenError) string {
	var dns *net.DNSError
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	switch {
	case errors.As(e, &dns):
		return "correct the endpoint's name, or the DNS of this machine"
	case errors.As(e, &authority):
		return "give the CA that signed the endpoint's certificate: oauth.ca, or oauthIdpCaCertificate in the secret"
	case errors.As(e, &host):
		return "call the endpoint by a name of its certificate"
	case errors.Is(e, syscall.ECONNREFUSED):
		return "nothing listens there: check host and port of the endpoint"
	case timedOut(e):
		return "check that a firewall does not swallow the connection, and whether a proxy or a network is needed to get there"
	}
	return "check the endpoint's URL and what answers there"
}

// ofAWS: AWS's credentials did not make a signature or a token.
func ofAWS(err error) (Diagnosis, bool) {
	var failed *AWSError
	if !errors.As(err, &failed) {
		return Diagnosis{}, false
	}
	var api smithy.APIError
	d := loginProblem("there was nothing to sign with: AWS's credentials could not be had",
		"check the aws: section, the profile, AWS_ACCESS_KEY_ID or the instance's role; aws sts get-caller-identity shows what is there")
	switch {
	case errors.Is(failed, errNoRegion):
		d.Cause, d.Try = "the region to sign for is not known", "give it: sasl.iam.region, or region in the aws: section"
	case errors.As(failed, &api) && strings.Contains(api.ErrorCode(), "AccessDenied"):
		d.Cause, d.Try = "AWS refused what signing needs", "allow it: sts:AssumeRole on the role of sasl.iam.role and in its trust policy, or sts:GetWebIdentityToken"
	case errors.As(failed, &api) && (strings.Contains(api.ErrorCode(), "ExpiredToken") || strings.Contains(api.ErrorCode(), "InvalidClientTokenId")):
		d.Cause, d.Try = "AWS's credentials are expired or not valid", "renew them: aws sso login, or what writes them"
	}
	return d, true
}

// ofKerberos: a ticket could not be had.
func ofKerberos(err error) (Diagnosis, bool) {
	var failed *KerberosError
	if !errors.As(err, &failed) {
		return Diagnosis{}, false
	}
	told, ok := kerberosWords()[failed.Kind]
	if !ok {
		told = [2]string{"Kerberos gave no ticket", "try the same by hand: kinit -k -t KEYTAB PRINCIPAL, then kvno SERVICE/HOST"}
	}
	return loginProblem(told[0], told[1]), true
}

// kerberosWords are cause and advice for each kind.
func kerberosWords() map[KerberosKind][2]string {
	return map[KerberosKind][2]string{
		FileUnusable:      {"a file of Kerberos is not usable", "check the path, that gantry's user may read it, and its kind: klist -k KEYTAB and klist -c CACHE read it"},
		CacheEnded:        {"the ticket in the credential cache has expired", "renew it: kinit -c CACHE; gantry reads the cache again by itself. A keytab needs no renewal"},
		KeyMissing:        {"the keytab has no key for this principal that the KDC asks for", "compare klist -k -e KEYTAB with the principal and the KDC's encryption types; export the keytab again"},
		KeyRefused:        {"the KDC refused the key or the password", "the keytab is older than the principal's password, or the password is wrong: export the keytab again (klist -k shows its kvno, kvno PRINCIPAL the KDC's)"},
		ClientUnknown:     {"the KDC does not know the principal", "check name and realm: klist -k KEYTAB shows those of the keytab"},
		ClientLocked:      {"the principal is locked or has expired, or its password has", "let the KDC's administrator unlock it: kadmin getprinc PRINCIPAL shows why"},
		ServiceUnknown:    {"the KDC does not know the brokers' principal", "check sasl.kerberos.service against the brokers' sasl.kerberos.service.name, and that brokers are named as their principals are: SERVICE/HOST@REALM"},
		ClockSkew:         {"this machine's clock and the KDC's differ too much", "set the clocks right (NTP); 5 minutes are what KDCs allow"},
		EncryptionRefused: {"there is no encryption type that keytab and KDC have in common", "compare klist -k -e KEYTAB with permitted_enctypes in krb5.conf and what the KDC has for the principal"},
		KDCUnreachable:    {"no KDC answered", "check kdc of the realm in krb5.conf, port 88 (TCP and UDP) and the network between this machine and the KDC"},
	}
}

// refusedWords say what to try when a broker refuses a login without a reason of its own.
func refusedWords(mechanism Mechanism) (cause, try string) {
	switch mechanism {
	case GSSAPI:
		return "the broker refused the Kerberos ticket",
			"check that the broker's keytab has the key the KDC has now (kvno), that the clocks agree, and sasl.kerberos.principal.to.local.rules; the broker's log says which"
	case MSKIAM:
		return "MSK refused the signature",
			"allow the role kafka-cluster:Connect on the cluster, and check region, credentials and this machine's clock"
	case OAuthBearer:
		return "the broker refused the token", "look into the broker's log, which names the claim it did not accept"
	}
	return "the broker refused user or password", "check user, password and mechanism; a rotated secret is read again at the next attempt"
}
