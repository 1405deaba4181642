package manifest

import (
	"bufio"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"gantry/workload"
)

const masked = "***"

// finish takes groups, topics and an environment without secrets from what was found.
func finish(d *workload.Deployment, env map[string]string, args []string) {
	d.Env = map[string]string{}
	for name, value := range env {
		n := spelled(name)
		switch {
		case isSecret(n, value):
			d.Env[name] = masked
			continue
		case isGroup(n) && value != "":
			d.Groups = add(d.Groups, value)
		case isTopic(n):
			for _, t := range strings.FieldsFunc(value, func(r rune) bool { return r == ',' || r == ' ' || r == ';' }) {
				d.Topics = add(d.Topics, t)
			}
		}
		for key, v := range properties(value) { // a whole file of properties in one variable
			if isGroup(spelled(key)) {
				d.Groups = add(d.Groups, v)
			}
		}
		d.Env[name] = withoutLogin(value)
	}
	for i, arg := range args {
		key, value, ok := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		if !ok && i+1 < len(args) {
			value = args[i+1]
		}
		if strings.HasPrefix(arg, "-") && isGroup(spelled(key)) && value != "" {
			d.Groups = add(d.Groups, value)
		}
	}
	slices.Sort(d.Groups)
	slices.Sort(d.Topics)
}

func add(to []string, value string) []string {
	value = strings.Trim(strings.TrimSpace(value), `"'`)
	if value == "" || slices.Contains(to, value) {
		return to
	}
	return append(to, value)
}

// spelled makes one spelling of GROUP_ID, group.id and group-id.
func spelled(name string) string {
	return strings.ToUpper(strings.NewReplacer(".", "_", "-", "_").Replace(name))
}

// isGroup knows the names consumer groups are configured by: KAFKA_GROUP_ID,
// SPRING_KAFKA_CONSUMER_GROUP_ID, KAFKA_CONSUMER_GROUP, QUARKUS' mp.messaging….group.id,
// APPLICATION_ID of Kafka Streams, gantry's and AWS's ConsumerGroupId.
func isGroup(name string) bool {
	if strings.HasSuffix(name, "GROUP_INSTANCE_ID") {
		return false
	}
	return regexp.MustCompile(`(^|_)(CONSUMER_?)?GROUP_?(ID|NAME)$|(^|_)(KAFKA|CONSUMER)_GROUP$|^GROUP$|(^|_)CONSUMERGROUP(ID)?$|STREAMS?_(CONFIG_)?APPLICATION_ID$`).MatchString(name)
}

func isTopic(name string) bool {
	return regexp.MustCompile(`(^|_)TOPICS?(_NAMES?)?$|^TOPICS?_|_TOPICS?_`).MatchString(name) ||
		regexp.MustCompile(`_(DESTINATION|TOPIC_PATTERN)$`).MatchString(name)
}

// isSecret knows what no report may show.
func isSecret(name, value string) bool {
	return value != masked && regexp.MustCompile(`PASS(WORD|WD|PHRASE)?($|_)|SECRET|TOKEN|API_?KEY|PRIVATE|CREDENTIAL|ACCESS_?KEY|JAAS|SIGNATURE|SALT|(^|_)(PW|PWD|AUTH|DSN|CERT|KEY)($|_)`).MatchString(name) ||
		value == masked || strings.Contains(value, "PRIVATE KEY-----") || strings.Contains(value, "password=") ||
		strings.HasPrefix(value, "eyJ") || regexp.MustCompile(`^(AKIA|ASIA|ghp_|xox[bp]-)`).MatchString(value)
}

// withoutLogin masks the login of a URL, and a value that is a whole file.
func withoutLogin(value string) string {
	if strings.Contains(value, "\n") {
		return "(a text of more than one line)"
	}
	u, err := url.Parse(value)
	if err == nil && u.User != nil {
		u.User = url.User(masked)
		return strings.Replace(u.String(), url.QueryEscape(masked), masked, 1)
	}
	if at := strings.LastIndex(value, "@"); at > 0 && strings.Contains(value, "://") {
		scheme, _, _ := strings.Cut(value, "://")
		return scheme + "://" + masked + value[at:]
	}
	return value
}

// properties reads key=value lines, or YAML that means the same, of a text with more than
// one line.
func properties(text string) map[string]string {
	if !strings.Contains(text, "\n") {
		return nil
	}
	out := map[string]string{}
	var doc map[string]any
	if err := yaml.Unmarshal([]byte(text), &doc); err == nil {
		flatten(doc, "", out)
		return out
	}
	scan := bufio.NewScanner(strings.NewReader(text))
	for scan.Scan() {
		line := strings.TrimSpace(scan.Text())
		if key, value, ok := strings.Cut(line, "="); ok && !strings.HasPrefix(line, "#") {
			out[strings.TrimSpace(key)] = strings.TrimSpace(value)
		}
	}
	return out
}

func flatten(doc map[string]any, path string, out map[string]string) {
	for key, v := range doc {
		at := strings.TrimPrefix(path+"."+key, ".")
		if m, ok := v.(map[string]any); ok {
			flatten(m, at, out)
			continue
		}
		out[at] = scalar(v)
	}
}
