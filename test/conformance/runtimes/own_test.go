package runtimes_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"gantry/target/process"
)

func named(t *testing.T, name string) client {
	for _, c := range clients() {
		if c.name == name {
			return c
		}
	}
	t.Fatalf("no client %s", name)
	return client{}
}

// What our bootstraps do beyond the suite: shapes of handlers that a language allows.
func TestHandlersOfOurBootstraps(t *testing.T) {
	t.Parallel()
	tests := []struct{ client, runtime, handler, event, want string }{
		{"python", "python3.12", "app.handler", `{"do":"decimal"}`, `{"price":9.5,"count":3}`},
		{"node", "nodejs20.x", "app.callback", `{"a":1}`, `{"a":1}`},
		{"node", "nodejs20.x", "app.callback", `{"wait":false}`, `{"wait":false}`},
		{"node", "nodejs20.x", "app.legacy", `{"a":1}`, `{"a":1}`},
		{"node", "nodejs22.x", "app.nested.deep", `{"a":1}`, `{"a":1}`},
		{"node", "nodejs22.x", "esm.handler", `{"a":1}`, `{"a":1,"esm":true}`},
		{"java", "java17", "lab.Orders::handleRequest", `{"a":1}`, `{"a":1}`},
		{"java", "java17", "lab.More::object", `{"name":"x","count":1,"parts":[{"name":"y","count":41}]}`, `{"name":"x","count":42,"parts":[{"name":"y","count":41,"parts":null}]}`},
		{"java", "java17", "lab.More::stream", `{"a": [1]}`, `{"a":[1]}`},
		{"java", "java17", "lab.Plain::fixed", `"a"`, `"a!"`},
		{"java", "java17", "lab.Plain::same", `{"a":1}`, `{"a":1}`},
	}
	for _, test := range tests {
		t.Run(test.runtime+" "+test.handler, func(t *testing.T) {
			t.Parallel()
			pool := named(t, test.client).start(t, withHandler(test.handler), withRuntime(test.runtime), sameInterpreter(test.runtime))
			for range 2 {
				require.JSONEq(t, test.want, string(answer(t, pool, test.event)))
			}
		})
	}
}

func TestCallbackThatFails(t *testing.T) {
	t.Parallel()
	pool := named(t, "node").start(t, withHandler("app.callback"), withRuntime("nodejs20.x"))
	require.Equal(t, "NoSuchOrder", failure(t, invoke(t, pool, `{"do":"fail"}`)).ErrorType)
	answer(t, pool, `{}`)
}

func TestRejectionNobodyWaitsFor(t *testing.T) {
	t.Parallel()
	pool := named(t, "node").start(t, withHandler("app.rejects"))
	d := failure(t, invoke(t, pool, `{}`))
	require.Equal(t, "Runtime.UnhandledPromiseRejection", d.ErrorType)
	require.Equal(t, "Error: nobody waits", d.ErrorMessage)
}

// A plain handler needs no jar of AWS's, only a JDK.
func TestJavaWithoutAWS(t *testing.T) {
	t.Parallel()
	c := named(t, "java")
	c.prepare = func(t testing.TB) process.Config {
		javac := need(t, "javac")
		dir := t.TempDir()
		compile(t, javac, dir, "testdata/java/lab/Plain.java")
		return process.Config{CodeDir: dir}
	}
	pool := c.start(t, withHandler("lab.Plain::fixed"))
	require.Equal(t, `"a!"`, string(answer(t, pool, `"a"`)))
}
