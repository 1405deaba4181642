package secret_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"gantry/secret"
)

func TestOne(t *testing.T) {
	t.Parallel()
	variables := map[string]string{"PLAIN": "p#w\n", "JSON": `{"username":"ann","password":"hunter2"}`}
	r := secret.New(secret.Options{LookupEnv: func(name string) (string, bool) { v, ok := variables[name]; return v, ok }})
	for ref, want := range map[string]string{"env:PLAIN": "p#w", "env:JSON#password": "hunter2", "env:JSON": variables["JSON"]} {
		got, err := r.One(t.Context(), ref)
		require.NoError(t, err, ref)
		require.Equal(t, want, got, ref)
		require.NoError(t, r.CheckOne(ref))
	}
	_, err := r.One(t.Context(), "env:JSON#token")
	require.ErrorContains(t, err, `it has no field "token"; name one of its fields: password, username`)
	require.NotContains(t, err.Error(), "hunter2")
	require.Error(t, r.CheckOne("nowhere:a#b"))

	variables["JSON"] = `{"password":"rotated"}`
	r.ForgetOne("env:JSON#password")
	got, err := r.One(t.Context(), "env:JSON#password")
	require.NoError(t, err)
	require.Equal(t, "rotated", got)
}
