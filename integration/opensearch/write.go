package opensearch

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"gantry/sink"
	"gantry/sink/row"
)

// Write implements sink.Sink.
func (o *indices) Write(ctx context.Context, records []sink.Record) (sink.Result, error) {
	client, err := o.connect(ctx)
	if err != nil {
		return sink.Result{}, &sink.Fault{Cause: sink.Misconfigured, Err: err}
	}
	result := sink.Result{Unordered: o.settings["versions"] == "offset"} // versions keep the order
	for _, part := range o.parts(o.actions(records, &result)) {
		o.send(ctx, client, part, &result)
	}
	return result, nil
}

func (o *indices) actions(records []sink.Record, result *sink.Result) []action {
	reader := o.decoders.Get().(*row.Decoder) //nolint:forcetypeassert // New puts nothing else in
	defer o.decoders.Put(reader)
	var list []action
	for i := range records {
		a, err := o.action(reader, i, &records[i])
		switch {
		case err != nil:
			result.Failed = append(result.Failed, sink.Failure{Index: i, Err: err})
		case a.text != nil:
			list = append(list, a)
		}
	}
	return list
}

// parts cuts actions into requests.
func (o *indices) parts(list []action) (parts [][]action) {
	size, most := 0, o.settings.Int("maxBytes")
	for _, a := range list {
		if len(parts) == 0 || size+len(a.text) > most {
			parts, size = append(parts, nil), 0
		}
		parts[len(parts)-1] = append(parts[len(parts)-1], a)
		size += len(a.text)
	}
	return parts
}

// item is what the answer says of one action.
type item struct {
	Status int `json:"status"`
	Error  *struct {
		Type   string `json:"type"`
		Reason string `json:"reason"`
	} `json:"error"`
}

func (o *indices) send(ctx context.Context, client *http.Client, part []action, result *sink.Result) {
	items, err := o.bulk(ctx, client, part)
	var large *tooLarge
	if errors.As(err, &large) && len(part) > 1 {
		o.send(ctx, client, part[:len(part)/2], result)
		o.send(ctx, client, part[len(part)/2:], result)
		return
	}
	for i, a := range part {
		failure := err
		if err == nil {
			failure = o.verdict(a, items[i])
		}
		if failure != nil {
			result.Failed = append(result.Failed, sink.Failure{Index: a.record, Err: failure})
		}
	}
}

// verdict says what became of one action.
func (o *indices) verdict(a action, it item) error {
	kind, reason := "", ""
	if it.Error != nil {
		kind, reason = it.Error.Type, it.Error.Reason
	}
	err := fmt.Errorf("the service refused the document: %s: %s (status %d)", kind, reason, it.Status)
	switch {
	case it.Status >= 200 && it.Status < 300:
		return nil
	case it.Status == http.StatusConflict && o.settings["versions"] == "offset":
		return nil // it is there, in this version or a newer one
	case it.Status == http.StatusNotFound && a.delete && it.Error == nil:
		return nil
	case it.Status == http.StatusTooManyRequests, it.Status >= 500:
		return &sink.Fault{Cause: sink.Busy, Err: err}
	case it.Status == http.StatusNotFound, it.Status == http.StatusForbidden, it.Status == http.StatusUnauthorized:
		return &sink.Fault{Cause: sink.Misconfigured, Err: err}
	}
	return refuse(err)
}

// tooLarge is a request that the service does not take for its size.
type tooLarge struct{ error }

// bulk sends one request and gives an item for each action.
func (o *indices) bulk(ctx context.Context, client *http.Client, part []action) ([]item, error) {
	var body []byte
	for _, a := range part {
		body = append(body, a.text...)
	}
	req, err := o.request(ctx, body)
	if err != nil {
		return nil, &sink.Fault{Cause: sink.Misconfigured, Err: err}
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, &sink.Fault{Cause: sink.Busy, Err: fmt.Errorf("send %d documents: %w", len(part), err)}
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 256<<20))
	if err != nil {
		return nil, &sink.Fault{Cause: sink.Busy, Err: fmt.Errorf("read the answer to %d documents: %w", len(part), err)}
	}
	if resp.StatusCode != http.StatusOK {
		return nil, o.whole(resp, text)
	}
	var answer struct{ Items []map[string]item }
	if err := json.Unmarshal(text, &answer); err != nil || len(answer.Items) != len(part) {
		return nil, fmt.Errorf("the answer to %d documents tells of %d; is %s a bulk API?", len(part), len(answer.Items), o.address())
	}
	items := make([]item, len(part))
	for i, named := range answer.Items {
		for _, it := range named {
			items[i] = it
		}
	}
	return items, nil
}

// whole says how a request that failed as one is to be taken.
func (o *indices) whole(resp *http.Response, text []byte) error {
	err := fmt.Errorf("POST %s: status %d: %s", o.address(), resp.StatusCode, text[:min(len(text), 500)])
	switch code := resp.StatusCode; {
	case code == http.StatusTooManyRequests, code >= 500:
		seconds, _ := strconv.Atoi(resp.Header.Get("Retry-After")) // a date is as good as none
		return &sink.Fault{Cause: sink.Busy, Err: err, Wait: time.Duration(seconds) * time.Second}
	case code == http.StatusRequestEntityTooLarge:
		return &tooLarge{refuse(err)}
	case code == http.StatusBadRequest:
		return refuse(err)
	case code == http.StatusUnauthorized:
		if ref := o.settings["login"]; ref != "" {
			o.deps.Forget(ref)
		}
	}
	return &sink.Fault{Cause: sink.Misconfigured, Err: err}
}

// Unwrap gives the fault of a document that is too large by itself.
func (e *tooLarge) Unwrap() error { return e.error }

func (o *indices) request(ctx context.Context, body []byte) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, o.address(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-ndjson")
	if o.settings.Bool("aws") {
		return req, o.sign(ctx, req, body)
	}
	if ref := o.settings["login"]; ref != "" {
		text, err := o.secret(ctx, ref)
		if err != nil {
			return nil, err
		}
		var l struct{ Username, Password string }
		if json.Unmarshal([]byte(text), &l) != nil || l.Username == "" {
			return nil, fmt.Errorf(`the secret %s holds no login; want {"username": …, "password": …}`, ref)
		}
		req.SetBasicAuth(l.Username, l.Password)
	}
	return req, nil
}

func (o *indices) secret(ctx context.Context, ref string) (string, error) {
	if o.deps.Secret == nil {
		return "", errors.New("there is nothing here that resolves references to secrets")
	}
	return o.deps.Secret(ctx, ref)
}

func (o *indices) sign(ctx context.Context, req *http.Request, body []byte) error {
	if o.deps.AWS == nil {
		return errors.New("gantry has no credentials of AWS here; set aws: in its configuration")
	}
	cfg, err := o.deps.AWS(ctx)
	if err != nil {
		return err
	}
	credentials, err := cfg.Credentials.Retrieve(ctx)
	if err != nil {
		return fmt.Errorf("credentials to sign with: %w", err)
	}
	sum := sha256.Sum256(body)
	hash := hex.EncodeToString(sum[:])
	req.Header.Set("X-Amz-Content-Sha256", hash)
	return v4.NewSigner().SignHTTP(ctx, credentials, req, hash, o.settings["service"], cfg.Region, o.deps.Now())
}

// connect gives the client, made when it is first needed.
func (o *indices) connect(ctx context.Context) (*http.Client, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.client != nil {
		return o.client, nil
	}
	cfg := &tls.Config{MinVersion: tls.VersionTLS12}
	if ref := o.settings["ca"]; ref != "" {
		pem, err := o.secret(ctx, ref)
		if err != nil {
			return nil, err
		}
		cfg.RootCAs = x509.NewCertPool()
		if !cfg.RootCAs.AppendCertsFromPEM([]byte(pem)) {
			return nil, fmt.Errorf("%s holds no PEM certificate", ref)
		}
	}
	o.client = o.transport(cfg)
	return o.client, nil
}
