package kafka

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// KerberosKind is why a ticket could not be had, as far as somebody can do something
// about it.
type KerberosKind string

// The kinds.
const (
	FileUnusable      KerberosKind = "file"      // keytab, cache or configuration is not readable
	CacheEnded        KerberosKind = "cache"     // the ticket in the cache has expired
	KeyMissing        KerberosKind = "key"       // the keytab has no key of the principal that fits
	KeyRefused        KerberosKind = "refused"   // the KDC does not accept key or password
	ClientUnknown     KerberosKind = "client"    // the KDC does not know the principal
	ClientLocked      KerberosKind = "locked"    // disabled, expired, or its password has
	ServiceUnknown    KerberosKind = "service"   // the KDC does not know the brokers' principal
	ClockSkew         KerberosKind = "clock"     // clocks differ by more than the KDC allows
	EncryptionRefused KerberosKind = "etype"     // no common encryption type
	KDCUnreachable    KerberosKind = "unreached" // no KDC answered, or none is configured
)

// KerberosError is a ticket that could not be had.
type KerberosError struct {
	Attempt string
	Kind    KerberosKind // "" = none of those above
	Code    int          // of the KDC's answer (RFC 4120, 7.5.9); 0 = there was none
	Err     error
}

func (e *KerberosError) Error() string { return e.Attempt + ": " + e.Err.Error() }

func (e *KerberosError) Unwrap() error { return e.Err }

// kdcCode finds the code of a KDC's answer: the library hands it on as text only, so this
// is the one place where an error is told by its words.
var kdcCode = regexp.MustCompile(`KRB Error: \((\d+)\)`)

// kdcKinds are the answers of a KDC somebody can do something about.
func kdcKinds() map[int]KerberosKind {
	return map[int]KerberosKind{
		1: ClientLocked, 18: ClientLocked, 23: ClientLocked, // name expired, revoked, key expired
		6: ClientUnknown, 7: ServiceUnknown, 24: KeyRefused, 31: KeyRefused,
		14: EncryptionRefused, 37: ClockSkew, 68: ClientUnknown, // wrong realm
	}
}

// ofKDC gives an error of the library its kind.
func ofKDC(attempt string, err error) *KerberosError {
	e := &KerberosError{Attempt: attempt, Err: fmt.Errorf("%s", printable(err.Error()))}
	text := err.Error()
	if m := kdcCode.FindStringSubmatch(text); m != nil {
		e.Code, _ = strconv.Atoi(m[1]) // digits by the pattern
		e.Kind = kdcKinds()[e.Code]
		return e
	}
	for _, told := range []struct {
		words string
		kind  KerberosKind
	}{
		{"matching key not found in keytab", KeyMissing},
		{"Networking_Error", KDCUnreachable},
		{"no KDC", KDCUnreachable},
		{"not have any defined KDCs", KDCUnreachable},
		{"communication error with KDC", KDCUnreachable},
		{"password/keytab incorrect", KeyRefused},
		{"clock skew", ClockSkew},
	} {
		if strings.Contains(text, told.words) {
			e.Kind = told.kind
			break
		}
	}
	return e
}
