package lambda

import (
	"context"
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// rounds make the digest dear to guess by: variables may hold what only the function should
// know, and the digest is shown and kept where others read it.
const rounds = 50_000

// Revision asks AWS which code and configuration answer behind the target's ARN, and gives a
// digest of them. RevisionId is not in it: it changes as well when a function that was idle
// is made ready again. It needs lambda:GetFunctionConfiguration.
func (t *Target) Revision(ctx context.Context) (string, error) {
	f, err := t.client.GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: &t.arn})
	if err != nil {
		return "", fmt.Errorf("GetFunctionConfiguration %s: %s; gantry's credentials need lambda:GetFunctionConfiguration for it", t.arn, describe(err))
	}
	layers := make([]string, 0, len(f.Layers))
	for _, l := range f.Layers {
		layers = append(layers, aws.ToString(l.Arn))
	}
	of := struct {
		Code, Version, Handler, Role, Image string
		Runtime                             types.Runtime
		Memory, Timeout                     int32
		Architectures                       []types.Architecture
		Layers                              []string
		Variables                           map[string]string
	}{
		Code: aws.ToString(f.CodeSha256), Version: aws.ToString(f.Version), Handler: aws.ToString(f.Handler), Role: aws.ToString(f.Role),
		Runtime: f.Runtime, Memory: aws.ToInt32(f.MemorySize), Timeout: aws.ToInt32(f.Timeout),
		Architectures: slices.Sorted(slices.Values(f.Architectures)), Layers: layers, Variables: map[string]string{},
	}
	if f.Environment != nil && f.Environment.Variables != nil {
		of.Variables = f.Environment.Variables
	}
	if f.ImageConfigResponse != nil && f.ImageConfigResponse.ImageConfig != nil {
		image, err := json.Marshal(f.ImageConfigResponse.ImageConfig)
		if err != nil {
			return "", err
		}
		of.Image = string(image)
	}
	text, err := json.Marshal(of)
	if err != nil {
		return "", err
	}
	sum, err := pbkdf2.Key(sha256.New, string(text), []byte(t.arn), rounds, 16)
	return hex.EncodeToString(sum), err
}
