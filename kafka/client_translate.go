package kafka

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"gantry/kafka/clientfile"
)

// translation turns the settings of a client file into a Config.
type translation struct {
	clientRead
	path, dir string
	lookupEnv func(string) (string, bool)

	settings map[string]clientfile.Pair // the last of each key, as in Java
	known    map[string]bool            // what was looked at
	faults   []clientFault
}

// clientFault is one thing wrong with a client file; line 0 is of what is missing.
type clientFault struct {
	line int
	text string
}

// joined gives all faults in the order of the file.
func (t *translation) joined() error {
	slices.SortStableFunc(t.faults, func(a, b clientFault) int { return a.line - b.line })
	var errs []error
	for _, f := range t.faults {
		where := filepath.Base(t.path)
		if f.line > 0 {
			where = fmt.Sprintf("%s:%d", where, f.line)
		}
		errs = append(errs, fmt.Errorf("%s: %s", where, f.text))
	}
	return errors.Join(errs...)
}

func (t *translation) whole(text []byte) {
	pairs, err := clientfile.Parse(text)
	t.lines(err)
	pairs, err = clientfile.Expand(pairs, clientfile.Sources{ReadFile: t.file, LookupEnv: t.lookupEnv})
	t.lines(err)
	for _, p := range pairs {
		if _, twice := t.settings[p.Key]; twice {
			t.notes = append(t.notes, Note{p.Line, p.Key, "it is given twice, and the last one counts"})
		}
		if beyondASCII(p.Value) {
			t.notes = append(t.notes, Note{p.Line, p.Key, "it is used as ISO-8859-1, as Java reads such files, and looks like UTF-8: write letters beyond ASCII as in \\u00e4"})
		}
		p.Value = trim(p.Value)
		t.settings[p.Key] = p
	}
	t.brokers()
	t.security()
	if id := t.get("client.id"); id != "" {
		t.config.ClientID = id
	}
	if t.get("client.dns.lookup") == "resolve_canonical_bootstrap_servers_only" {
		t.fault("client.dns.lookup", "%s is not supported; write the brokers' own names into bootstrap.servers", "resolve_canonical_bootstrap_servers_only")
	} else {
		t.note("client.dns.lookup", "gantry tries every address of a name")
	}
	t.rest(pairs)
	slices.SortStableFunc(t.notes, func(a, b Note) int { return a.Line - b.Line })
}

// lines takes faults that begin with "line 7: ".
func (t *translation) lines(err error) {
	if err == nil {
		return
	}
	for line := range strings.Lines(err.Error()) {
		number, text, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "line "), ": ")
		n, _ := strconv.Atoi(number) // clientfile writes it so
		t.faults = append(t.faults, clientFault{n, text})
	}
}

// beyondASCII says that letters that were read as ISO-8859-1 are UTF-8 as well.
func beyondASCII(value string) bool {
	var b []byte
	ascii := true
	for _, r := range value {
		if r > 0xff {
			return false
		}
		b, ascii = append(b, byte(r)), ascii && r < 0x80
	}
	return !ascii && utf8.Valid(b)
}

// trim takes off what Kafka's ConfigDef takes off: Java's String.trim.
func trim(s string) string { return strings.TrimFunc(s, func(r rune) bool { return r <= ' ' }) }

// get gives a setting, "" where it is not there.
func (t *translation) get(key string) string {
	t.known[key] = true
	return t.settings[key].Value
}

// list gives a setting that is a list.
func (t *translation) list(key string) []string {
	var all []string
	for item := range strings.SplitSeq(t.get(key), ",") {
		if item = trim(item); item != "" {
			all = append(all, item)
		}
	}
	return all
}

func (t *translation) has(key string) bool {
	_, ok := t.settings[key]
	return ok
}

// fault tells what is wrong with a setting. Values go into it only where they can't be
// secret: classes, algorithms, mechanisms.
func (t *translation) fault(key, format string, args ...any) {
	t.faults = append(t.faults, clientFault{t.settings[key].Line, key + ": " + fmt.Sprintf(format, args...)})
}

func (t *translation) note(key, why string) {
	t.known[key] = true
	if p, ok := t.settings[key]; ok {
		t.notes = append(t.notes, Note{p.Line, key, why})
	}
}

// hold keeps a material and gives its reference.
func (t *translation) hold(m Material) string {
	m.Ref = clientRef + t.path + "#" + m.Ref // of one file: logins are shared by their references
	t.materials = append(t.materials, m)
	return m.Ref
}

// server is Kafka's own pattern for an address: a protocol in front of it is dropped.
var server = regexp.MustCompile(`^(?:[0-9a-zA-Z\-%._]*://)?(.*)$`)

func (t *translation) brokers() {
	const key = "bootstrap.servers"
	for _, address := range t.list(key) {
		address = server.FindStringSubmatch(address)[1]
		if err := checkAddress(address); err != nil {
			t.fault(key, "%v", err)
		}
		t.config.Brokers = append(t.config.Brokers, address)
	}
	if len(t.config.Brokers) == 0 {
		t.fault(key, "is missing; want a list of host:port")
	}
}

func (t *translation) security() {
	protocol := strings.ToUpper(t.get("security.protocol"))
	secured := slices.ContainsFunc([]string{
		"sasl.jaas.config", "sasl.mechanism", "ssl.truststore.location", "ssl.truststore.certificates", "ssl.keystore.location", "ssl.keystore.key",
	}, t.has)
	switch {
	case protocol == "" && secured:
		t.fault("security.protocol", "is missing, so Kafka's client would connect without TLS and login and leave the ssl. and sasl. settings aside; want SSL or SASL_SSL")
		return
	case protocol == "":
		protocol = "PLAINTEXT"
	case !slices.Contains([]string{"PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"}, protocol):
		t.fault("security.protocol", "%q is not known; want PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL", protocol)
		return
	}
	t.config.AllowPlaintext = strings.HasSuffix(protocol, "PLAINTEXT")
	if strings.HasSuffix(protocol, "SSL") {
		t.tls()
	} else {
		t.unused("ssl.", protocol)
	}
	if strings.HasPrefix(protocol, "SASL") {
		t.sasl()
	} else {
		t.unused("sasl.", protocol)
	}
}

func (t *translation) unused(prefix, protocol string) {
	for key := range t.settings {
		if strings.HasPrefix(key, prefix) {
			t.note(key, "it is not used with security.protocol="+protocol)
		}
	}
}

// rest accounts for every setting that was not used: ignored with a reason, refused, or
// not known.
func (t *translation) rest(pairs []clientfile.Pair) {
	reasons := ignoredSettings()
	refused := refusedSettings()
	for _, p := range pairs {
		if t.known[p.Key] || p.Key == "config.providers" || strings.HasPrefix(p.Key, "config.providers.") {
			continue
		}
		t.known[p.Key] = true
		why, harmless := reasons[p.Key]
		what, no := refused[p.Key]
		prefix := slices.IndexFunc(ignoredPrefixes(), func(i ignoredPrefix) bool { return strings.HasPrefix(p.Key, i.prefix) })
		switch {
		case harmless:
			t.note(p.Key, why)
		case no:
			t.fault(p.Key, "is not supported; %s", what)
		case slices.Contains(connectionSettings(), p.Key):
			if len(t.faults) == 0 { // else what would have used it is at fault
				t.note(p.Key, "nothing uses it beside the other settings")
			}
		case securityLike(p.Key):
			t.fault(p.Key, "is no setting of Kafka's clients; check its spelling, or leave it out")
		case prefix >= 0:
			t.note(p.Key, ignoredPrefixes()[prefix].why)
		default:
			t.note(p.Key, "it is no setting of Kafka's clients, which ignore it too")
		}
	}
}

// securityLike tells settings a misspelling of which must not pass, and those of Kafka
// Connect and others, which put a prefix before them.
func securityLike(key string) bool {
	for _, prefix := range []string{"ssl.", "sasl.", "security.", "bootstrap."} {
		if strings.HasPrefix(key, prefix) || (strings.Contains(key, "."+prefix) && !strings.HasPrefix(key, "schema.registry.")) {
			return true
		}
	}
	return false
}
