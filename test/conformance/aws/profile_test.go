package aws_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"gantry/cloud"
)

const sharedFile = `[profile keys]
aws_access_key_id = AKIAOFTHEPROFILE0000
aws_secret_access_key = s
[profile taken]
role_arn = arn:aws:iam::123456789012:role/archive
source_profile = keys
role_session_name = by-profile
[profile empty]
region = eu-west-1
[profile command]
credential_process = echo '{"Version":1,"AccessKeyId":"AKIABYCOMMAND0000000","SecretAccessKey":"s"}'
`

// Profiles are AWS's own; variables with gantry's keys must not stand in for them. This
// test sets variables, so it is alone.
func TestProfiles(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config")
	require.NoError(t, os.WriteFile(file, []byte(sharedFile), 0o600))
	t.Setenv("AWS_CONFIG_FILE", file)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", os.DevNull)
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIAOFGANTRYITSELF00")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "s")
	endpoints := map[string]string{"sts": moto(t)}

	require.Equal(t, "AKIAOFGANTRYITSELF00", retrieve(t, quiet(cloud.Config{}, nil)).AccessKeyID)
	require.Equal(t, "AKIAOFTHEPROFILE0000", retrieve(t, quiet(cloud.Config{Profile: "keys"}, nil)).AccessKeyID)
	require.Equal(t, "AKIABYCOMMAND0000000", retrieve(t, quiet(cloud.Config{Profile: "command"}, nil)).AccessKeyID)
	taken := retrieve(t, quiet(cloud.Config{Profile: "taken", Endpoints: endpoints}, nil))
	require.Equal(t, "arn:aws:sts::"+account+":assumed-role/archive/by-profile", caller(t, taken))

	c := quiet(cloud.Config{Endpoints: endpoints}, nil)
	roles := cloud.Roles{role("a"): {Profile: "taken"}, role("b"): {Profile: "empty"}, role("c"): {Profile: "missing"}}
	v, err := c.Role(roles, "orders", role("a"))(t.Context())
	require.NoError(t, err)
	require.Equal(t, "arn:aws:sts::"+account+":assumed-role/archive/by-profile", caller(t, v))

	// The container gantry runs in has credentials; they are gantry's own.
	t.Setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", container(t))
	_, err = c.Role(roles, "orders", role("b"))(t.Context())
	require.ErrorContains(t, err, "those of the machine gantry runs on are not passed down")
	_, err = c.Role(roles, "orders", role("c"))(t.Context())
	require.ErrorContains(t, err, "profile missing")

	t.Setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
	_, err = quiet(cloud.Config{Endpoints: endpoints}, nil).Config(t.Context())
	require.ErrorContains(t, err, "AWS_ENDPOINT_URL")
}
