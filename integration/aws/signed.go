package aws

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"gantry/cloud/call"
	"gantry/sink"
)

const signedExample = `clusters:
  onprem: { brokers: ["kafka-1:9092"] }
functions:
  transfers-to-chain:                 # JSON-RPC of Amazon Managed Blockchain
    integration: signed-http
    settings:
      service: managedblockchain
      region: us-east-1
      url: "https://mainnet.ethereum.managedblockchain.us-east-1.amazonaws.com/"
      body: '{"jsonrpc": "2.0", "id": {{ .offset }}, "method": "eth_sendRawTransaction", "params": [{{ json .value.transaction }}]}'
      answerTopic: chain.answers
      answer: whole
    timeout: 60s
mappings:
  transfers-to-chain: { function: transfers-to-chain, cluster: onprem, topic: transfers, batchSize: 10, startingPosition: TRIM_HORIZON }
`

func signedSpec() sink.Spec {
	return sink.Spec{
		Name: "signed-http", Title: "Signed HTTP to AWS", About: "Sends each record in an HTTP request signed for AWS (SigV4): JSON-RPC of Managed Blockchain, API Gateway, OpenSearch, or a service whose protocol has no model.",
		Settings: []sink.Setting{
			{Name: "url", Required: true, About: "where to, a template", Example: "https://abc.execute-api.eu-west-2.amazonaws.com/prod/orders/{{ .key }}", Check: checkURL},
			{Name: "service", Required: true, About: "the service's name in the signature", Example: "execute-api"},
			{Name: "region", About: "the region in the signature; left out, the one in the URL, else that of aws:", Example: "eu-west-2"},
			{Name: "method", About: "of the requests", Default: "POST", Values: []string{"POST", "PUT", "PATCH", "DELETE", "GET"}},
			{Name: "header.*", About: "a header, a template", Example: "header.Content-Type: application/json", Check: sink.CheckTemplate},
			{Name: "body", About: "a template; left out, the record's value as it is", Check: sink.CheckTemplate},
			{Name: "tombstones", About: "records without a value: skip, refuse, send (an empty body), fill (the template body)", Default: "skip", Values: []string{"skip", "refuse", "send", "fill"}},
			{Name: "errorAt", About: "a member of a JSON answer that says that the request failed although its status is 200: the record is refused then; none looks for nothing", Default: "error", Example: "errors[0]", Check: checkPath},
			ordering("key", "With none requests go side by side whatever their keys"),
			answerSettings[0], answerSettings[1], answerSettings[2],
			{Name: "parallel", About: "requests under way at once, for one batch", Default: "4", Check: sink.Number(1, 64)},
		},
		Policy: func(s sink.Settings) []sink.Statement { return []sink.Statement{sink.Allow("*", signedAction(s))} },
		Limits: "Those of the service. An answer has up to 32 MB.",
		Repeats: "The header Idempotency-Key is the record's topic-partition-offset unless the settings give another; a service that does not know it does its work again. " +
			"The same Ethereum transaction sent again is refused by its nonce.",
		Example: signedExample, Valid: bodyForFill, New: openSigned,
	}
}

func signedAction(s sink.Settings) string {
	action := map[string]string{"managedblockchain": "managedblockchain:InvokeRpc*", "execute-api": "execute-api:Invoke", "es": "es:ESHttp*", "aoss": "aoss:APIAccessAll",
		"lambda": "lambda:InvokeFunctionUrl"}[s["service"]]
	if action == "" {
		return s["service"] + ":*"
	}
	return action
}

// checkURL checks a URL that may have places, behind its scheme.
func checkURL(value string) error {
	if err := sink.CheckTemplate(value); err != nil {
		return err
	}
	if strings.Contains(value, "{{") {
		if !strings.HasPrefix(value, "https://") && !strings.HasPrefix(value, "http://") {
			return errors.New("want a URL such as https://host/path")
		}
		return nil
	}
	return sink.HTTPURL(value)
}

func openSigned(s sink.Settings, d sink.Deps) (sink.Sink, error) {
	c, err := newContent(s)
	if err != nil {
		return nil, err
	}
	g := &signed{deps: d.WithDefaults(), settings: s, content: c, headers: map[string]*sink.Template{}}
	if g.url, err = sink.ParseTemplate(s["url"]); err != nil {
		return nil, err
	}
	for name, value := range s.Family("header.") {
		if g.headers[name], err = sink.ParseTemplate(value); err != nil {
			return nil, err
		}
	}
	a := newAnswers(s, s["service"], s["method"])
	b := &batcher{service: service{deps: g.deps, settings: s}, limits: limits{entries: 1}, entry: g.entry, answers: a.make}
	b.send = func(ctx context.Context, _ *call.Client, list []*entry) []error { return []error{g.send(ctx, list[0])} }
	b.raw = true
	return b, nil
}

type signed struct {
	deps     sink.Deps
	settings sink.Settings
	url      *sink.Template
	headers  map[string]*sink.Template
	content  content
}

// entry is a request; all of it is filled here, so that a record that lacks something is
// refused before anything is sent.
func (g *signed) entry(r *sink.Record) (*entry, error) {
	body, err := g.content.of(r)
	if err != nil {
		return nil, err
	}
	where, err := g.url.Fill(r)
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(where)
	if err != nil || u.Host == "" {
		return nil, refused("the URL it gives is none")
	}
	header := http.Header{"Idempotency-Key": {sink.Token(r)}, "Content-Type": {"application/json"}}
	for name, t := range g.headers {
		value, err := t.Fill(r)
		if err != nil {
			return nil, err
		}
		if strings.ContainsAny(value, "\r\n\x00") {
			return nil, refused("the header %s it gives has a line break", name)
		}
		header.Set(name, value)
	}
	return &entry{lane: laneOf(g.settings["order"], r), size: len(body), body: map[string]any{"url": u, "header": header, "body": body}}, nil
}

func (g *signed) send(ctx context.Context, e *entry) error {
	if g.deps.AWS == nil {
		return &sink.Fault{Cause: sink.Misconfigured, Err: errors.New("there is no configuration for AWS")}
	}
	cfg, err := g.deps.AWS(ctx)
	if err != nil {
		return &sink.Fault{Cause: sink.Misconfigured, Err: err}
	}
	u := e.body["url"].(*url.URL)
	raw := call.Raw{Service: g.settings["service"], Region: g.settings["region"], Body: e.body["body"].([]byte), Method: g.settings["method"], URL: u, Header: e.body["header"].(http.Header)}
	if raw.Region == "" {
		raw.Region = regionIn(u.Host)
	}
	out, err := call.Send(ctx, cfg, raw)
	if err != nil {
		return faultOf(err)
	}
	answer := sink.Value(out.Body)
	if at := g.settings["errorAt"]; at != "none" {
		if fault, found := walk(answer, at); found {
			return refused("%s answered that it failed: %s", u.Host, brief(fault))
		}
	}
	e.answer = answer
	return nil
}

// regionIn is the region a host name of AWS holds.
func regionIn(host string) string {
	parts := strings.Split(host, ".")
	n := slices.IndexFunc(parts, func(p string) bool { return regionForm.MatchString(p) })
	if n < 0 {
		return ""
	}
	return parts[n]
}

// brief is the code and message of a fault, and nothing else of an answer.
func brief(v any) string {
	object, ok := v.(map[string]any)
	if !ok {
		return fmt.Sprint(v)
	}
	return strings.TrimSpace(fmt.Sprintf("%v %v", orNothing(object["code"]), orNothing(object["message"])))
}

func orNothing(v any) any {
	if v == nil {
		return ""
	}
	return v
}
