package mysql

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"gantry/internal/databasetest"
	"gantry/sink"
)

// A server that takes a user over TLS alone: the certificate is held against the CA as the
// setting says, and a password that is rotated is read again when the server refuses the old
// one.
func TestLogins(t *testing.T) {
	t.Parallel()
	cert, key, ca := databasetest.Certificate(t, "mysql")
	_, _, stranger := databasetest.Certificate(t, "mysql")
	s := databasetest.MariaDB(t, "--ssl-cert="+cert, "--ssl-key="+key)
	s.Exec("CREATE USER writer@'%' IDENTIFIED BY 'first' REQUIRE SSL", "CREATE TABLE logins (id int PRIMARY KEY)", "GRANT ALL ON test.* TO writer@'%'")
	kept := &databasetest.Secrets{Now: map[string]string{"secret:db": `{"username":"writer","password":"first"}`, "secret:ca": string(ca), "secret:stranger": string(stranger)}}
	deps := sink.Deps{Secret: func(_ context.Context, ref string) (string, error) { return kept.Secret(ref), nil }, Forget: kept.Forget}.WithDefaults()
	write := func(id, tls, ca string) error {
		full, err := Spec().Prepare(sink.Settings{"host": s.Address(), "database": s.Database, "login": "secret:db", "tls": tls, "ca": ca})
		require.NoError(t, err)
		w, err := Spec().New(full, deps)
		require.NoError(t, err)
		defer w.Close()
		out, err := w.Write(t.Context(), records("logins", 0, id, `{}`))
		for _, f := range out.Failed {
			err = f.Err
		}
		return err
	}
	for id, tls := range map[string]string{"1": "require", "2": "verify-ca", "3": "verify-full"} {
		require.NoError(t, write(id, tls, "secret:ca"), tls)
	}
	require.ErrorContains(t, write("4", "verify-full", "secret:stranger"), "certificate")
	require.ErrorContains(t, write("5", "verify-ca", "secret:stranger"), "certificate")
	require.ErrorContains(t, write("6", "disable", "secret:ca"), "Access denied")

	s.Exec("ALTER USER writer@'%' IDENTIFIED BY 'second'")
	err := write("7", "verify-full", "secret:ca")
	require.ErrorContains(t, err, "Access denied")
	require.NotContains(t, err.Error(), "first")
	kept.Secret("secret:db") // it is known as it was
	kept.Now["secret:db"] = `{"username":"writer","password":"second"}`
	require.NoError(t, write("8", "verify-full", "secret:ca"))
	require.Equal(t, []string{"1", "2", "3", "8"}, column(t, s, "SELECT id FROM logins ORDER BY id"))
}
