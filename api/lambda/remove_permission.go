package lambda

import (
	"context"
	"net/http"
	"slices"

	"gantry/function"
)

type removePermissionInput struct {
	oneFunctionInput
	statement string
	revision  *string
}

func (in *removePermissionInput) read(r *http.Request) {
	in.oneFunctionInput.read(r)
	in.statement = r.PathValue("StatementId")
	if q := r.URL.Query(); q.Has("RevisionId") {
		text := q.Get("RevisionId")
		in.revision = &text
	}
}

func (in *removePermissionInput) check(ctx context.Context, s *Server, f *faults) error {
	f.text("statementId", &in.statement, length(1, 100), pattern(whole(`([a-zA-Z0-9-_.]+)`)))
	if err := in.oneFunctionInput.check(ctx, s, f); err != nil {
		return err
	}
	return in.revisionFault(in.revision)
}

func (s *Server) removePermission(ctx context.Context, in *removePermissionInput) (noContent, error) {
	next := in.current
	next.Policy = slices.DeleteFunc(slices.Clone(in.current.Policy), func(p function.Permission) bool { return p.StatementID == in.statement })
	if len(next.Policy) == len(in.current.Policy) {
		return noContent{}, notFound("Statement %s is not found in resource policy.", in.statement)
	}
	_, err := s.replace(ctx, "RemovePermission", &in.oneFunctionInput, next)
	return noContent{}, err
}
