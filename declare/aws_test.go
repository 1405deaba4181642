package declare_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gantry/cloud"
	"gantry/declare"
)

func TestAWS(t *testing.T) {
	t.Parallel()
	f, err := declare.Parse([]byte(`
aws:
  region: eu-central-1
  endpoints: {sts: "https://sts.internal"}
  webIdentity: {roleArn: "arn:aws:iam::123456789012:role/k8s", tokenFile: ./token}
  assumeRole: "arn:aws:iam::123456789012:role/gantry"
  proxy: secret:proxy
  noProxy: [".internal"]
  caBundle: ./ca.pem
secrets: [{prefix: "secret:", from: {dir: ./secrets}}]
roles:
  "arn:aws:iam::123456789012:role/orders": {assume: true, externalId: "42", duration: 30m}
  "arn:aws:iam::123456789012:role/audit": {profile: audit}
`), declare.Identity{Name: "gantry.yaml", Dir: "/etc/gantry"})
	require.NoError(t, err)
	require.Equal(t, cloud.Config{
		Region: "eu-central-1", Endpoints: map[string]string{"sts": "https://sts.internal"},
		WebIdentity: cloud.WebIdentity{RoleARN: "arn:aws:iam::123456789012:role/k8s", TokenFile: "/etc/gantry/token"},
		AssumeRole:  cloud.AssumeRole{RoleARN: "arn:aws:iam::123456789012:role/gantry"},
		Proxy:       "secret:proxy", NoProxy: []string{".internal"}, CABundle: "/etc/gantry/ca.pem",
	}, f.AWS)
	require.Equal(t, cloud.Roles{
		"arn:aws:iam::123456789012:role/orders": {Assume: true, ExternalID: "42", Duration: 30 * time.Minute},
		"arn:aws:iam::123456789012:role/audit":  {Profile: "audit"},
	}, f.Roles)
}
