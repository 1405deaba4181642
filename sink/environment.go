package sink

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// The variables that make gantry's binary a function of its own in AWS.
const (
	EnvironmentName    = "GANTRY_INTEGRATION" // which integration
	EnvironmentSetting = "GANTRY_SETTING_"    // and its settings: GANTRY_SETTING_KEY_PREFIX is keyPrefix
)

// Variable is the variable that carries a setting: keyPrefix is GANTRY_SETTING_KEY_PREFIX,
// header.X-Api-Key is GANTRY_SETTING_HEADER__X_API_KEY.
func Variable(setting string) string {
	var b strings.Builder
	b.WriteString(EnvironmentSetting)
	for i, r := range setting {
		switch {
		case r == '.':
			b.WriteString("__")
		case r == '-':
			b.WriteByte('_')
		case unicode.IsUpper(r) && i > 0 && !strings.ContainsRune(".-", rune(setting[i-1])) && !unicode.IsUpper(rune(setting[i-1])):
			b.WriteByte('_')
			b.WriteRune(r)
		default:
			b.WriteRune(unicode.ToUpper(r))
		}
	}
	return b.String()
}

// FromEnvironment reads settings from variables (NAME=VALUE); it names every variable
// that carries none. The name of a family's member loses its letter case, which HTTP
// headers do not mind: X_API_KEY is x-api-key.
func (sp Spec) FromEnvironment(environ []string) (Settings, error) {
	s := Settings{}
	var errs []error
	for _, pair := range environ {
		name, value, _ := strings.Cut(pair, "=")
		if !strings.HasPrefix(name, EnvironmentSetting) {
			continue
		}
		setting, known := sp.fromVariable(name)
		if !known {
			errs = append(errs, fmt.Errorf("%s: is no setting of %s; it has %s", name, sp.Name, strings.Join(sp.settingNames(), ", ")))
			continue
		}
		s[setting] = value
	}
	return s, errors.Join(errs...)
}

func (sp Spec) fromVariable(name string) (setting string, known bool) {
	for _, one := range sp.Settings {
		if !one.family() && Variable(one.Name) == name {
			return one.Name, true
		}
		if rest, ok := strings.CutPrefix(name, Variable(strings.TrimSuffix(one.prefix(), "."))+"__"); ok && one.family() && rest != "" {
			return one.prefix() + strings.ToLower(strings.ReplaceAll(rest, "_", "-")), true
		}
	}
	return "", false
}

// Environment gives the variables of an integration with these settings.
func (sp Spec) Environment(s Settings) map[string]string {
	variables := map[string]string{EnvironmentName: sp.Name}
	for name, value := range s {
		variables[Variable(name)] = value
	}
	return variables
}
