package attack_test

import (
	"encoding/base64"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"gantry/api/door"
)

// TestSecretsAreNowhere: after good and bad requests with secrets in them, no log, audit
// line, answer, file or process listing holds one, and no core dump is written.
func TestSecretsAreNowhere(t *testing.T) {
	t.Parallel()
	g := attacked(t)
	const secret, newSecret = "value-of-a-variable-by-the-api-5", "the-value-after-its-change-6"
	create := fmt.Sprintf(`{"FunctionName":"f","Runtime":"provided.al2023","Handler":"h","Role":"arn:aws:iam::000000000000:role/r",
		"Environment":{"Variables":{"PASSWORD":%q}},"Code":{"ZipFile":%q}}`, secret, "UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA==")
	var said strings.Builder
	send := func(c call, status int) {
		t.Helper()
		got, _, text := do(t, c.request(t, g.URL))
		require.Equal(t, status, got, text)
		said.WriteString(text)
	}
	send(call{method: "POST", path: "/2015-03-31/functions", body: create, role: door.Admin}, http.StatusBadRequest)
	send(call{method: "POST", path: "/2015-03-31/functions", body: create, role: door.Viewer}, http.StatusForbidden)
	send(call{method: "POST", path: "/2015-03-31/functions", body: create, role: door.Admin, secret: "not-the-secret-of-anybody"}, http.StatusForbidden)
	send(call{method: "POST", path: "/2015-03-31/functions", body: create[:len(create)-2], role: door.Admin}, http.StatusBadRequest)
	reserved := fmt.Sprintf(`{"Environment":{"Variables":{"AWS_REGION":%q,"1BAD":%q}}}`, secret, secret)
	send(call{method: "PUT", path: "/2015-03-31/functions/legacy/configuration", body: reserved, role: door.Admin}, http.StatusBadRequest)
	empty := base64.StdEncoding.EncodeToString(packed(t, file{"bootstrap", "#!/bin/sh", 0o755}))
	good := strings.Replace(create, "UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA==", empty, 1)
	got, _, text := do(t, call{method: "POST", path: "/2015-03-31/functions", body: good, role: door.Admin}.request(t, g.URL))
	require.Equal(t, http.StatusCreated, got, text)
	change := fmt.Sprintf(`{"Environment":{"Variables":{"PASSWORD":%q}}}`, newSecret)
	got, _, text = do(t, call{method: "PUT", path: "/2015-03-31/functions/f/configuration", body: change, role: door.Admin}.request(t, g.URL))
	require.Equal(t, http.StatusOK, got, text)

	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", g.Pid()))
	require.NoError(t, err)
	limits, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", g.Pid()))
	require.NoError(t, err)
	require.Regexp(t, `Max core file size\s+0\s+0`, string(limits))

	places := map[string]string{"answers": said.String(), "gantry's log": g.Log(), "the process listing": string(line)}
	require.NoError(t, filepath.WalkDir(g.DataDir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			body, err := os.ReadFile(path)
			places[path] = string(body)
			return err
		}
		return err
	}))
	require.Contains(t, places[filepath.Join(g.DataDir, "audit.log")], "*** (changed)", "the change is in the audit log")
	require.Contains(t, places, filepath.Join(g.DataDir, "gantry.db"))
	for place, text := range places {
		for _, s := range []string{adminSecret, operatorSecret, viewerSecret, fileVariable, secret, newSecret, "not-the-secret-of-anybody"} {
			require.NotContains(t, text, s, place)
		}
	}
}
