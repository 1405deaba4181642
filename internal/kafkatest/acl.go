package kafkatest

import (
	"context"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
)

// Allow lets a user do what an ACL says; undo takes it back.
func (o operations) Allow(t testing.TB, user string, a ACL) (undo func()) {
	t.Helper()
	return o.permit(t, a.builder().Allow("User:"+user).AllowHosts())
}

// Deny forbids a user what an ACL says, whatever else allows it; undo takes it back.
// On brokers it bites at once, but connections and group memberships stay.
func (o operations) Deny(t testing.TB, user string, a ACL) (undo func()) {
	t.Helper()
	return o.permit(t, a.builder().Deny("User:"+user).DenyHosts())
}

// ACL names resources and what may be done to them. A "*" names all of a kind.
type ACL struct {
	Topics, Groups, TransactionalIDs []string
	Cluster                          bool
	Prefixed                         bool // the names are prefixes
	Operations                       []kadm.ACLOperation
}

func (a ACL) builder() *kadm.ACLBuilder {
	b := kadm.NewACLs().Operations(a.Operations...).ResourcePatternType(kadm.ACLPatternLiteral)
	if a.Prefixed {
		b.ResourcePatternType(kadm.ACLPatternPrefixed)
	}
	return b.MaybeTopics(a.Topics...).MaybeGroups(a.Groups...).MaybeTransactionalIDs(a.TransactionalIDs...).MaybeClusters(a.Cluster)
}

func (o operations) permit(t testing.TB, b *kadm.ACLBuilder) (undo func()) {
	t.Helper()
	made, err := o.adm.CreateACLs(context.Background(), b)
	for i := 0; err == nil && i < len(made); i++ {
		err = made[i].Err
	}
	if err != nil {
		t.Fatalf("create ACLs: %v", err)
	}
	return func() {
		gone, err := o.adm.DeleteACLs(context.Background(), b)
		for i := 0; err == nil && i < len(gone); i++ {
			err = gone[i].Err
		}
		if err != nil {
			t.Errorf("delete ACLs: %v", err)
		}
	}
}
