package clientfile

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Sources is where config providers look. Paths are as the file has them.
type Sources struct {
	ReadFile  func(path string) ([]byte, error)
	LookupEnv func(name string) (string, bool)
}

// variable is ${provider:key} or ${provider:path:key}, as ConfigTransformer has it.
var variable = regexp.MustCompile(`\$\{([^}]*?):(?:([^}]*?):)?([^}]*?)\}`)

const providerPackage = "org.apache.kafka.common.config.provider."

// known are the config providers that come with Kafka.
func known() map[string]string {
	return map[string]string{
		"FileConfigProvider": "file", "EnvVarConfigProvider": "env", "DirectoryConfigProvider": "directory",
	}
}

// Expand puts what config providers hold in the place of each ${…}. Providers are those
// config.providers declares, as in Kafka: without a declaration a value stays as it is,
// and a fault says so where it was most likely meant otherwise. All faults are joined.
func Expand(pairs []Pair, from Sources) ([]Pair, error) {
	declared, errs := providers(pairs, from)
	out := slices.Clone(pairs)
	for i, p := range out {
		if strings.HasPrefix(p.Key, "config.providers") {
			continue
		}
		out[i].Value = variable.ReplaceAllStringFunc(p.Value, func(text string) string {
			m := variable.FindStringSubmatch(text)
			look, ok := declared[m[1]]
			if !ok {
				if slices.Contains([]string{"file", "env", "directory"}, m[1]) {
					errs = append(errs, fmt.Errorf("line %d: %s: it refers to the config provider %q, which config.providers does not declare; "+
						"Kafka's client would take the text as it is", p.Line, p.Key, m[1]))
				}
				return text
			}
			if look == nil { // its own fault is told
				return text
			}
			value, err := look(m[2], m[3])
			if err != nil {
				errs = append(errs, fmt.Errorf("line %d: %s: config provider %s: %w", p.Line, p.Key, m[1], err))
				return text
			}
			return value
		})
	}
	return out, errors.Join(errs...)
}

// lookup gives the value of a key at a path of a provider.
type lookup func(path, key string) (string, error)

func providers(pairs []Pair, from Sources) (map[string]lookup, []error) {
	settings := map[string]Pair{}
	for _, p := range pairs {
		settings[p.Key] = p
	}
	found := map[string]lookup{}
	var errs []error
	names := settings["config.providers"]
	for name := range strings.SplitSeq(names.Value, ",") {
		if name = strings.TrimSpace(name); name == "" {
			continue
		}
		class, ok := settings["config.providers."+name+".class"]
		if !ok {
			errs = append(errs, fmt.Errorf("line %d: config.providers: %s has no class; add config.providers.%[2]s.class", names.Line, name))
			found[name] = nil
			continue
		}
		parameter := func(key string) string {
			return strings.TrimSpace(settings["config.providers."+name+".param."+key].Value)
		}
		var err error
		if found[name], err = provider(strings.TrimSpace(class.Value), parameter, from); err != nil {
			errs = append(errs, fmt.Errorf("line %d: %s: %w", class.Line, class.Key, err))
		}
	}
	return found, errs
}

func provider(class string, parameter func(string) string, from Sources) (lookup, error) {
	short, _ := strings.CutPrefix(class, providerPackage)
	allowed := paths(parameter("allowed.paths"))
	switch known()[short] {
	case "env":
		pattern, err := regexp.Compile(`^(?:` + parameter("allowlist.pattern") + `)$`)
		if err != nil {
			return nil, errors.New("its allowlist.pattern is no regular expression that can be read")
		}
		return func(_, key string) (string, error) {
			value, ok := from.LookupEnv(key)
			if listed := parameter("allowlist.pattern") == "" || pattern.MatchString(key); !ok || !listed {
				return "", fmt.Errorf("the variable %s is not set, or not in its allowlist.pattern", key)
			}
			return value, nil
		}, nil
	case "file":
		return func(path, key string) (string, error) { return from.inFile(allowed, path, key) }, nil
	case "directory":
		return func(path, key string) (string, error) {
			if key != filepath.Base(key) {
				return "", fmt.Errorf("%q is no name of a file", key)
			}
			text, err := from.read(allowed, filepath.Join(path, key))
			return string(text), err
		}, nil
	}
	return nil, fmt.Errorf("the config provider %s is not supported; FileConfigProvider, EnvVarConfigProvider and DirectoryConfigProvider are", class)
}

// inFile finds a key of a properties file, which is UTF-8 here.
func (s Sources) inFile(allowed []string, path, key string) (string, error) {
	text, err := s.read(allowed, path)
	if err != nil {
		return "", err
	}
	pairs, err := load([]rune(string(text)))
	if err != nil {
		return "", fmt.Errorf("read %s: %w", path, err)
	}
	for _, p := range slices.Backward(pairs) {
		if p.Key == key {
			return p.Value, nil
		}
	}
	return "", fmt.Errorf("%s has no key %s", path, key)
}

func (s Sources) read(allowed []string, path string) ([]byte, error) {
	within := func(dir string) bool { return dir == path || strings.HasPrefix(filepath.Clean(path), dir+"/") }
	if len(allowed) > 0 && !slices.ContainsFunc(allowed, within) {
		return nil, fmt.Errorf("%s is not within its allowed.paths", path)
	}
	text, err := s.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no file %s", path)
	}
	return text, err
}

func paths(list string) []string {
	var all []string
	for path := range strings.SplitSeq(list, ",") {
		if path = strings.TrimSpace(path); path != "" {
			all = append(all, filepath.Clean(path))
		}
	}
	return all
}
