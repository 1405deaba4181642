package lambda

import (
	"context"
	"encoding/json"
	"net/http"
	"regexp"
	"slices"

	"gantry/function"
)

// AWS's patterns, as its model has them.
var (
	statementPattern = whole(`([a-zA-Z0-9-_]+)`)
	actionPattern    = whole(`(lambda:[*]|lambda:[a-zA-Z]+|[*])`)
	principalPattern = whole(`[^\s]+`)
	accountPattern   = whole(`\d{12}`)
	orgPattern       = whole(`o-[a-z0-9]{10,32}`)
	tokenPattern     = whole(`[a-zA-Z0-9._\-]+`)
	userPrincipal    = regexp.MustCompile(`^(arn:|\d{12}$)`)
)

// maxPolicy is AWS's limit of a function's policy, in bytes.
const maxPolicy = 20 << 10

type addPermissionInput struct {
	oneFunctionInput
	StatementID           *string `json:"StatementId"`
	Action                *string `json:"Action"`
	Principal             *string `json:"Principal"`
	SourceArn             *string `json:"SourceArn"`
	SourceAccount         *string `json:"SourceAccount"`
	EventSourceToken      *string `json:"EventSourceToken"`
	PrincipalOrgID        *string `json:"PrincipalOrgID"`
	FunctionURLAuthType   *string `json:"FunctionUrlAuthType"`
	InvokedViaFunctionURL *bool   `json:"InvokedViaFunctionUrl"`
	RevisionID            *string `json:"RevisionId"`
}

func (in *addPermissionInput) check(ctx context.Context, s *Server, f *faults) error {
	for field, value := range map[string]*string{"statementId": in.StatementID, "action": in.Action, "principal": in.Principal} {
		if value == nil {
			f.missing(field)
		}
	}
	slices.Sort(f.broken)
	f.text("statementId", in.StatementID, length(1, 100), pattern(statementPattern))
	f.text("action", in.Action, pattern(actionPattern))
	f.text("principal", in.Principal, length(0, 256), pattern(principalPattern))
	f.text("sourceArn", in.SourceArn, pattern(sourceARNPattern))
	f.text("sourceAccount", in.SourceAccount, pattern(accountPattern))
	f.text("eventSourceToken", in.EventSourceToken, length(0, 256), pattern(tokenPattern))
	f.text("principalOrgID", in.PrincipalOrgID, pattern(orgPattern))
	f.text("functionUrlAuthType", in.FunctionURLAuthType, oneOf("NONE", "AWS_IAM"))
	if err := in.oneFunctionInput.check(ctx, s, f); err != nil {
		return err
	}
	return in.revisionFault(in.RevisionID)
}

// statement is one line of a policy as IAM writes it.
type statement struct {
	Sid       string                       `json:"Sid"`
	Effect    string                       `json:"Effect"`
	Principal any                          `json:"Principal"`
	Action    string                       `json:"Action"`
	Resource  string                       `json:"Resource"`
	Condition map[string]map[string]string `json:"Condition,omitempty"`
}

// statementOf writes a permission as AWS shows it in a policy.
func (s *Server) statementOf(fn string, p function.Permission) statement {
	out := statement{Sid: p.StatementID, Effect: "Allow", Principal: principalOf(p.Principal), Action: p.Action, Resource: s.functionARN(fn, "")}
	when := func(kind, key, value string) {
		if value == "" {
			return
		}
		if out.Condition == nil {
			out.Condition = map[string]map[string]string{}
		}
		if out.Condition[kind] == nil {
			out.Condition[kind] = map[string]string{}
		}
		out.Condition[kind][key] = value
	}
	when("StringEquals", "AWS:SourceAccount", p.SourceAccount)
	when("StringEquals", "lambda:EventSourceToken", p.EventSourceToken)
	when("StringEquals", "aws:PrincipalOrgID", p.PrincipalOrgID)
	when("StringEquals", "lambda:FunctionUrlAuthType", p.FunctionURLAuthType)
	when("ArnLike", "AWS:SourceArn", p.SourceARN)
	if p.InvokedViaFunctionURL {
		when("Bool", "lambda:InvokedViaFunctionUrl", "true")
	}
	return out
}

// principalOf tells services, accounts and roles, and everybody apart.
func principalOf(text string) any {
	switch {
	case text == "*":
		return text
	case accountPattern.MatchString(text):
		return map[string]string{"AWS": "arn:aws:iam::" + text + ":root"}
	case userPrincipal.MatchString(text):
		return map[string]string{"AWS": text}
	}
	return map[string]string{"Service": text}
}

type addPermissionOutput struct {
	Statement string `json:"Statement"`
}

func (o *addPermissionOutput) respond(w http.ResponseWriter) error {
	writeJSON(w, http.StatusCreated, o)
	return nil
}

// addPermission stores a statement of a function's policy. gantry shows it and does not
// go by it: who may invoke is told by the roles of its keys.
func (s *Server) addPermission(ctx context.Context, in *addPermissionInput) (*addPermissionOutput, error) {
	p := function.Permission{StatementID: *in.StatementID, Action: *in.Action, Principal: *in.Principal}
	set(&p.SourceARN, in.SourceArn)
	set(&p.SourceAccount, in.SourceAccount)
	set(&p.EventSourceToken, in.EventSourceToken)
	set(&p.PrincipalOrgID, in.PrincipalOrgID)
	set(&p.FunctionURLAuthType, in.FunctionURLAuthType)
	set(&p.InvokedViaFunctionURL, in.InvokedViaFunctionURL)
	if slices.ContainsFunc(in.current.Policy, func(o function.Permission) bool { return o.StatementID == p.StatementID }) {
		return nil, conflict("The statement id (%s) provided already exists. Please provide a new statement id, or remove the existing statement.", p.StatementID)
	}
	next := in.current
	next.Policy = append(slices.Clone(in.current.Policy), p)
	if text, err := s.policyOf(&next); err != nil || len(text) > maxPolicy {
		return nil, orError(err, &apiError{exception: "PolicyLengthExceededException", message: "The final policy size is bigger than the limit (20480)."})
	}
	if _, err := s.replace(ctx, "AddPermission", &in.oneFunctionInput, next); err != nil {
		return nil, err
	}
	text, err := json.Marshal(s.statementOf(next.Name, p))
	return &addPermissionOutput{string(text)}, err
}
