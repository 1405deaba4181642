package postgresql

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"gantry/internal/databasetest"
	"gantry/sink"
)

// A server with TLS and passwords: the certificate is held against the CA as the setting
// says, and a password that is rotated is read again when the server refuses the old one.
func TestLogins(t *testing.T) {
	t.Parallel()
	cert, key, ca := databasetest.Certificate(t, "postgres")
	_, _, stranger := databasetest.Certificate(t, "postgres")
	s := databasetest.PostgreSQL(t, "-c", "ssl=on", "-c", "ssl_cert_file="+cert, "-c", "ssl_key_file="+key)
	s.Exec("CREATE ROLE writer LOGIN PASSWORD 'first'", "CREATE TABLE logins (id int PRIMARY KEY)", "GRANT ALL ON logins TO writer")
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
		if err == nil {
			require.Equal(t, `[{"ssl":true}]`, rows(t, s, "(SELECT DISTINCT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE usename = 'writer')"))
		}
		return err
	}
	for id, tls := range map[string]string{"1": "require", "2": "verify-ca", "3": "verify-full"} {
		require.NoError(t, write(id, tls, "secret:ca"), tls)
	}
	require.ErrorContains(t, write("4", "verify-full", "secret:stranger"), "certificate")
	require.ErrorContains(t, write("5", "verify-ca", "secret:stranger"), "certificate")

	s.Exec("ALTER ROLE writer PASSWORD 'second'")
	err := write("6", "verify-full", "secret:ca")
	require.ErrorContains(t, err, "password authentication failed")
	require.NotContains(t, err.Error(), "first")
	kept.Secret("secret:db") // it is known as it was
	kept.Now["secret:db"] = `{"username":"writer","password":"second"}`
	require.NoError(t, write("7", "verify-full", "secret:ca"))
	require.Equal(t, `[{"id":1},{"id":2},{"id":3},{"id":7}]`, rows(t, s, "logins"))
}
