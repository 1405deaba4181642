package door

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"time"
)

const (
	algorithm  = "AWS4-HMAC-SHA256"
	service    = "lambda"
	terminator = "aws4_request"
	dateLayout = "20060102T150405Z"

	// skew is how far a client's clock may be off, either way, and so how long a request
	// could be replayed by somebody who reads the wire.
	skew = 15 * time.Minute
)

// signature is what an Authorization header claims. It says nothing of whether that is
// true: verify does.
type signature struct {
	keyID   string
	date    string // of the credential's scope, YYYYMMDD
	region  string
	service string
	headers []string // as the client listed them, lower case
	value   []byte
	at      time.Time
	atText  string
}

// parseSignature reads the Authorization header, or says every part it lacks.
func parseSignature(r *http.Request) (signature, error) {
	given := r.Header.Values("Authorization")
	if len(given) == 0 {
		if q := r.URL.RawQuery; strings.Contains(q, "X-Amz-Signature=") || strings.Contains(q, "X-Amz-Credential=") {
			return signature{}, incomplete("Requests signed in their query (presigned URLs) are not accepted; sign with an Authorization header.")
		}
		return signature{}, missingToken()
	}
	name, rest, _ := strings.Cut(strings.TrimSpace(given[0]), " ")
	if len(given) > 1 || name != algorithm {
		return signature{}, incomplete("The Authorization header must be one and begin with '%s'.", algorithm)
	}
	parts := map[string]string{}
	for _, part := range strings.Split(rest, ",") {
		key, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		if _, twice := parts[key]; twice {
			return signature{}, incomplete("Authorization header has the parameter '%s' twice.", key)
		}
		parts[key] = value
	}
	return fromParts(r, parts)
}

func fromParts(r *http.Request, parts map[string]string) (signature, error) {
	var lacks []string
	for _, key := range []string{"Credential", "Signature", "SignedHeaders"} {
		if parts[key] == "" {
			lacks = append(lacks, "Authorization header requires '"+key+"' parameter.")
		}
	}
	dates := r.Header.Values("X-Amz-Date")
	if len(dates) != 1 {
		lacks = append(lacks, "Authorization header requires existence of one 'X-Amz-Date' header.")
	}
	if len(lacks) > 0 {
		return signature{}, incomplete("%s", strings.Join(lacks, " "))
	}
	scope := strings.Split(parts["Credential"], "/")
	if len(scope) != 5 || scope[4] != terminator {
		return signature{}, incomplete("Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/aws4_request.")
	}
	at, err := time.Parse(dateLayout, dates[0])
	if err != nil {
		return signature{}, incomplete("Date must be in ISO-8601 'basic format', such as 20260102T030405Z.")
	}
	value, err := hex.DecodeString(parts["Signature"])
	if err != nil || len(value) != sha256.Size {
		return signature{}, incomplete("Signature must be %d hexadecimal digits.", 2*sha256.Size)
	}
	headers := strings.Split(parts["SignedHeaders"], ";")
	return signature{scope[0], scope[1], scope[2], scope[3], headers, value, at, dates[0]}, checkHeaders(r, headers)
}

// checkHeaders demands that what gives a request its meaning is signed: its host, and
// every x-amz- header (the date, the invocation type, …).
func checkHeaders(r *http.Request, signed []string) error {
	if !slices.IsSorted(signed) || len(slices.Compact(slices.Clone(signed))) != len(signed) {
		return incomplete("SignedHeaders must be sorted and name no header twice.")
	}
	if !slices.Contains(signed, "host") {
		return badSignature("'Host' must be a 'SignedHeader' in the AWS Authorization.")
	}
	for name := range r.Header {
		name = strings.ToLower(name)
		if strings.HasPrefix(name, "x-amz-") && !slices.Contains(signed, name) {
			return badSignature("The header '%s' must be a 'SignedHeader' in the AWS Authorization.", name)
		}
	}
	return nil
}

// checkScope holds the signature to this moment and this service. The region is the
// client's: gantry is one place under whatever region its clients are set to.
func (s signature) checkScope(now time.Time) error {
	if s.service != service {
		return badSignature("Credential should be scoped to correct service: '%s'.", service)
	}
	if day := s.at.Format("20060102"); s.date != day {
		return badSignature("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '%s' != '%s', from '%s'.",
			s.date, day, s.atText)
	}
	now = now.UTC()
	switch early, late := now.Add(-skew), now.Add(skew); {
	case s.at.Before(early):
		return badSignature("Signature expired: %s is now earlier than %s (%s - 15 min.)",
			s.atText, early.Format(dateLayout), now.Format(dateLayout))
	case s.at.After(late):
		return badSignature("Signature not yet current: %s is still later than %s (%s + 15 min.)",
			s.atText, late.Format(dateLayout), now.Format(dateLayout))
	}
	return nil
}

// verify computes the signature anew and compares in constant time.
func (s signature) verify(r *http.Request, body []byte, secret string) error {
	digest := sha256.Sum256(body)
	hash := hex.EncodeToString(digest[:])
	if claimed := r.Header.Values("X-Amz-Content-Sha256"); len(claimed) > 0 && (len(claimed) > 1 || claimed[0] != hash) {
		return badSignature("The body must be signed as it is: x-amz-content-sha256 is not its hash.")
	}
	request := sha256.Sum256([]byte(s.canonical(r, hash)))
	scope := strings.Join([]string{s.date, s.region, s.service, terminator}, "/")
	toSign := strings.Join([]string{algorithm, s.atText, scope, hex.EncodeToString(request[:])}, "\n")
	key := []byte("AWS4" + secret)
	for _, part := range []string{s.date, s.region, s.service, terminator, toSign} {
		key = mac(key, part)
	}
	if !hmac.Equal(key, s.value) {
		return mismatch()
	}
	return nil
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text)) // a hash's Write never fails
	return h.Sum(nil)
}
