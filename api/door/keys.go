package door

import (
	"errors"
	"fmt"
	"log/slog"
	"regexp"
)

// Role is what a key is for: roles.go says what each may do.
type Role string

// The roles.
const (
	Viewer   Role = "viewer"
	Operator Role = "operator"
	Admin    Role = "admin"

	// ofFunction is the role of a key that speaks for a function: it writes to the topics
	// the function may write to, and does nothing else.
	ofFunction Role = "function"
)

// Key is one access key: who it is, and the secret its requests are signed with.
type Key struct {
	ID     string
	Secret string
	Role   Role // "" = Admin

	// Function is the function that the key speaks for, which then has no Role; "" = none.
	Function string
}

// String gives the id: a key that strays into a text never brings its secret.
func (k Key) String() string { return k.ID }

// GoString gives the id, as String does.
func (k Key) GoString() string { return k.ID }

// LogValue gives the id, as String does.
func (k Key) LogValue() slog.Value { return slog.StringValue(k.ID) }

// Keys are the keys a door knows. The zero value knows none.
type Keys struct{ byID map[string]Key }

// minSecret keeps out secrets somebody could guess: 16 characters at least.
const minSecret = 16

// keyID is what AWS accepts as an access key id.
var keyID = regexp.MustCompile(`^\w{4,128}$`)

// NewKeys checks keys and names every fault, without their secrets.
func NewKeys(keys ...Key) (Keys, error) {
	known := Keys{byID: map[string]Key{}}
	var faults []error
	for i, k := range keys {
		switch {
		case k.Function != "" && k.Role != "":
			faults = append(faults, fmt.Errorf("keys[%d] %q: it speaks for function %s, so it has no role", i, k.ID, k.Function))
		case k.Function != "":
			k.Role = ofFunction
		case k.Role == "":
			k.Role = Admin
		}
		if err := k.check(); err != nil {
			faults = append(faults, fmt.Errorf("keys[%d] %q: %w", i, k.ID, err))
		}
		if _, twice := known.byID[k.ID]; twice {
			faults = append(faults, fmt.Errorf("keys[%d] %q: the id occurs twice", i, k.ID))
		}
		known.byID[k.ID] = k
	}
	if err := errors.Join(faults...); err != nil {
		return Keys{}, err
	}
	return known, nil
}

func (k Key) check() error {
	var faults []error
	if !keyID.MatchString(k.ID) {
		faults = append(faults, errors.New("an id has 4 to 128 letters, digits and underscores"))
	}
	if len(k.Secret) < minSecret {
		faults = append(faults, fmt.Errorf("the secret is shorter than %d characters", minSecret))
	}
	if k.Role != Viewer && k.Role != Operator && k.Role != Admin && k.Function == "" {
		faults = append(faults, fmt.Errorf("role %q is not viewer, operator or admin", k.Role))
	}
	return errors.Join(faults...)
}

// Len says how many keys are known.
func (k Keys) Len() int { return len(k.byID) }

func (k Keys) find(id string) (Key, bool) {
	key, ok := k.byID[id]
	return key, ok
}
