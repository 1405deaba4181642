package secret

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// One gives one value: that of the field NAME for a reference written REF#NAME, the
// whole content otherwise.
func (r *Resolver) One(ctx context.Context, ref string) (string, error) {
	whole, field, named := cutField(ref)
	if !named {
		return r.Plain(ctx, ref)
	}
	fields, err := r.Fields(ctx, whole)
	if err != nil {
		return "", err
	}
	value, ok := fields[field]
	if !ok {
		names := strings.Join(slices.Sorted(maps.Keys(fields)), ", ")
		return "", &Error{Ref: whole, Err: fmt.Errorf("it has no field %q", field), Try: "name one of its fields: " + names}
	}
	return value, nil
}

// CheckOne is Check for a reference that One is to resolve.
func (r *Resolver) CheckOne(ref string) error {
	whole, _, _ := cutField(ref)
	return r.Check(whole)
}

// ForgetOne is Forget for a reference that One resolved.
func (r *Resolver) ForgetOne(ref string) {
	whole, _, _ := cutField(ref)
	r.Forget(whole)
}

// cutField takes REF#NAME apart.
func cutField(ref string) (whole, field string, named bool) {
	at := strings.LastIndexByte(ref, '#')
	if at <= 0 || at == len(ref)-1 {
		return ref, "", false
	}
	return ref[:at], ref[at+1:], true
}
