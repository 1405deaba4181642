package kafka

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"gantry/kafka/clientfile"
)

// The classes a client file may name. Copies that others have moved into packages of
// their own (kafkashaded.org.apache.kafka…) are the same classes.
const (
	plainModule    = "org.apache.kafka.common.security.plain.PlainLoginModule"
	scramModule    = "org.apache.kafka.common.security.scram.ScramLoginModule"
	bearerModule   = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule"
	kerberosModule = "com.sun.security.auth.module.Krb5LoginModule"
	ibmKerberos    = "com.ibm.security.auth.module.Krb5LoginModule"
	iamModule      = "software.amazon.msk.auth.iam.IAMLoginModule"
	iamHandler     = "software.amazon.msk.auth.iam.IAMClientCallbackHandler"
)

const (
	jaas         = "sasl.jaas.config"
	saslHandler  = "sasl.client.callback.handler.class"
	loginHandler = "sasl.login.callback.handler.class"
)

// class drops the package a copy was moved to.
func class(name string) string {
	if at := strings.Index(name, "org.apache.kafka."); at > 0 {
		return name[at:]
	}
	return name
}

// modules are the login modules of each mechanism.
func modules() map[Mechanism][]string {
	return map[Mechanism][]string{
		Plain: {plainModule}, ScramSHA256: {scramModule}, ScramSHA512: {scramModule},
		OAuthBearer: {bearerModule}, GSSAPI: {kerberosModule, ibmKerberos}, MSKIAM: {iamModule},
	}
}

// sasl reads mechanism and login module.
func (t *translation) sasl() {
	mechanism := Mechanism(cmp.Or(strings.ToUpper(t.get("sasl.mechanism")), string(GSSAPI))) // Kafka's default
	allowed, known := modules()[mechanism]
	if !known {
		t.fault("sasl.mechanism", "%q is not supported; want one of %v", mechanism, slices.Sorted(maps.Keys(modules())))
		return
	}
	t.config.SASL = &SASLConfig{Mechanism: mechanism}
	t.handlers(mechanism)
	login, ok := t.module()
	if !ok {
		return
	}
	if !slices.Contains(allowed, login.Module) {
		t.fault(jaas, "the login module %s is not supported for %s; want %s", login.Module, mechanism, strings.Join(allowed, " or "))
		return
	}
	o := &options{translation: t, login: login, known: map[string]bool{}}
	switch mechanism {
	case Plain, ScramSHA256, ScramSHA512:
		o.password()
	case OAuthBearer:
		o.bearer()
	case GSSAPI:
		o.kerberos()
	case MSKIAM:
		o.iam()
	}
	o.rest()
}

// module gives the one login module there must be.
func (t *translation) module() (clientfile.Login, bool) {
	text := t.get(jaas)
	if text == "" {
		t.fault(jaas, "is missing; a JAAS file that is given to Java (-Djava.security.auth.login.config) is no part of this file: "+
			"write what its KafkaClient section holds here, on one line")
		return clientfile.Login{}, false
	}
	logins, err := clientfile.ParseJAAS(text)
	switch {
	case err != nil:
		t.fault(jaas, "%v", err)
	case len(logins) != 1:
		t.fault(jaas, "it has %d login modules; want one", len(logins))
	default:
		logins[0].Module = class(logins[0].Module)
		return logins[0], true
	}
	return clientfile.Login{}, false
}

// handlers refuses callback handlers that are none of those whose work gantry does. Where
// tokens come from is told by the login's own, which bearer looks at.
func (t *translation) handlers(mechanism Mechanism) {
	const amazons = "software.amazon.msk.auth.iam.IAMOAuthBearerLoginCallbackHandler"
	allowed := map[string][]Mechanism{
		"org.apache.kafka.common.security.authenticator.SaslClientCallbackHandler":                    {Plain, ScramSHA256, ScramSHA512, GSSAPI},
		"org.apache.kafka.common.security.oauthbearer.internals.OAuthBearerSaslClientCallbackHandler": {OAuthBearer},
		iamHandler: {MSKIAM}, amazons: {MSKIAM, OAuthBearer},
	}
	for _, key := range []string{saslHandler, loginHandler} {
		handler := class(t.get(key))
		if handler == "" || (key == loginHandler && mechanism == OAuthBearer) || slices.Contains(allowed[handler], mechanism) {
			continue
		}
		t.fault(key, "%s is not supported for %s; Java code can't be loaded here", handler, mechanism)
	}
	if mechanism == MSKIAM && class(t.get(saslHandler)) != iamHandler {
		t.fault(saslHandler, "want %s, without which Amazon's library does not work", iamHandler)
	}
	if mechanism != GSSAPI {
		t.note("sasl.kerberos.service.name", "it is not used with sasl.mechanism="+string(mechanism))
	}
	for key := range t.settings {
		if strings.HasPrefix(key, "sasl.oauthbearer.") && mechanism != OAuthBearer {
			t.note(key, "it is not used with sasl.mechanism="+string(mechanism))
		}
	}
}

// options are those of a login module.
type options struct {
	*translation
	login clientfile.Login
	known map[string]bool
}

// option gives one, "" where it is not there.
func (o *options) option(name string) string {
	o.known[name] = true
	return o.login.Options[name]
}

// ignore notes options that change nothing here.
func (o *options) ignore(why string, names ...string) {
	for _, name := range names {
		if _, ok := o.login.Options[name]; ok && !o.known[name] {
			o.known[name] = true
			o.noteOption(name, why)
		}
	}
}

func (o *options) noteOption(name, why string) {
	o.notes = append(o.notes, Note{o.settings[jaas].Line, jaas + ": " + name, why})
}

func (o *options) optionFault(name, what string) {
	o.known[name] = true
	o.fault(jaas, "%s: %s", name, what)
}

// rest names the options nobody looked at. Kafka's own modules ignore what they do not
// know; for Kerberos and Amazon's module an option may be a restriction.
func (o *options) rest() {
	for _, name := range slices.Sorted(maps.Keys(o.login.Options)) {
		switch {
		case o.known[name]:
		case o.login.Module == plainModule || o.login.Module == scramModule:
			o.noteOption(name, "the login module does not read it as a client")
		default:
			o.optionFault(name, "is not supported; leave it out where the login works without it")
		}
	}
}

func (o *options) password() {
	user, password := o.option("username"), o.option("password")
	if user == "" || password == "" {
		o.fault(jaas, "it has no username or no password; want %s required username=\"…\" password=\"…\";", o.login.Module)
		return
	}
	if o.login.Module == scramModule {
		o.config.SASL.DelegationToken = strings.EqualFold(o.option("tokenauth"), "true")
	}
	o.config.SASL.Secret = o.hold(Material{
		Ref: "login", What: "user and password", File: "login.json",
		Fields: map[string]string{"username": user, "password": password},
	})
}

// kerberos reads what Java's Krb5LoginModule reads, and IBM's words for it.
func (o *options) kerberos() {
	c := &KerberosConfig{Principal: o.option("principal"), Service: o.service()}
	o.config.SASL.Kerberos = c
	yes := func(names ...string) bool {
		return slices.ContainsFunc(names, func(name string) bool { return strings.EqualFold(o.option(name), "true") })
	}
	keytab := cmp.Or(o.option("keyTab"), o.option("useKeytab")) // IBM's useKeytab is a URL
	keytab = strings.TrimPrefix(strings.TrimPrefix(keytab, "file://"), "file:")
	withKeytab, withCache := yes("useKeyTab") || o.option("useKeytab") != "", yes("useTicketCache", "useDefaultCcache")
	switch {
	case withKeytab && keytab == "":
		o.optionFault("keyTab", "is missing; Java's default keytab is not looked for")
	case withKeytab:
		c.Keytab = o.absolute(keytab)
		if withCache {
			o.noteOption("useTicketCache", "the keytab is used: it can't run out")
		}
	case withCache:
		c.Cache = o.absolute(cmp.Or(strings.TrimPrefix(o.option("ticketCache"), "FILE:"), o.defaultCache()))
	default:
		o.fault(jaas, "it has neither useKeyTab=true with keyTab nor useTicketCache=true; Java would ask for a password at a terminal")
	}
	if c.Keytab != "" && c.Principal == "" {
		o.optionFault("principal", "is missing; want name@REALM")
	}
	if yes("useFirstPass", "tryFirstPass") {
		o.fault(jaas, "useFirstPass and tryFirstPass take a password from another login module; want a keytab")
	}
	o.ignore("gantry reads keytab and cache for itself, and asks nobody",
		"ticketCache", "storeKey", "doNotPrompt", "refreshKrb5Config", "renewTGT", "debug", "isInitiator", "useFirstPass",
		"tryFirstPass", "storePass", "clearPass", "credsType", "keyTab", "moduleBanner", "client", "noAddress")
}

// service is the brokers' service name, which may stand in two places.
func (o *options) service() string {
	const key = "sasl.kerberos.service.name"
	inFile, inModule := o.get(key), o.option("serviceName")
	switch {
	case inFile == "" && inModule == "":
		o.fault(key, "is missing; want that of the brokers, usually kafka")
	case inFile != "" && inModule != "" && inFile != inModule:
		o.fault(key, "contradicts serviceName of %s", jaas)
	}
	return cmp.Or(inFile, inModule)
}

func (o *options) defaultCache() string {
	if o.lookupEnv != nil {
		if named, ok := o.lookupEnv("KRB5CCNAME"); ok && named != "" {
			return strings.TrimPrefix(named, "FILE:")
		}
	}
	return fmt.Sprintf("/tmp/krb5cc_%d", os.Getuid())
}

// iam reads what Amazon's IAMLoginModule reads.
func (o *options) iam() {
	c := &IAMConfig{
		Profile: o.option("awsProfileName"), Role: o.option("awsRoleArn"),
		SessionName: o.option("awsRoleSessionName"), ExternalID: o.option("awsRoleExternalId"),
	}
	if *c != (IAMConfig{}) {
		o.config.SASL.IAM = c
		for _, err := range c.faults() {
			o.fault(jaas, "%v", err)
		}
	}
	for _, name := range []string{"awsRoleAccessKeyId", "awsRoleSecretAccessKey", "awsRoleSessionToken"} {
		if o.option(name) != "" {
			o.optionFault(name, "keys in this file are not supported; put them into a profile of AWS's credentials file and name it: awsProfileName")
		}
	}
	o.ignore("the role is assumed in the region of the aws: section, or that of the brokers' names", "awsStsRegion")
	o.ignore("gantry retries in its own way, and shows no credentials",
		"awsDebugCreds", "awsMaxRetries", "awsMaxBackOffTimeMs", "awsUseWebIdentity", "awsStsAssumeRoleTimeout")
}
