package secret

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/aws/smithy-go"
)

const arnPrefix = "arn:aws:secretsmanager:"

// manager reads secrets from AWS Secrets Manager.
type manager struct {
	load func(ctx context.Context) (aws.Config, error)

	mu     sync.Mutex
	client *secretsmanager.Client
}

// get asks for the secret an ARN names, in the ARN's own region, or the one a rule's
// prefix is followed by (its name), in the configured region.
func (m *manager) get(ctx context.Context, ref, rest string) (Value, error) {
	client, err := m.open(ctx)
	if err != nil {
		return Value{}, &Error{Ref: ref, Err: err, Try: "check the aws: section, the AWS variables and the profile"}
	}
	id, region := rest, ""
	if parsed, err := arn.Parse(ref); err == nil {
		id, region = ref, parsed.Region
	}
	out, err := client.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &id}, func(o *secretsmanager.Options) {
		if region != "" {
			o.Region = region
		}
	})
	if err != nil {
		return Value{}, managerError(ref, err)
	}
	if out.SecretString != nil {
		return NewValue([]byte(*out.SecretString)), nil
	}
	return NewValue(out.SecretBinary), nil
}

func (m *manager) open(ctx context.Context) (*secretsmanager.Client, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.client != nil {
		return m.client, nil
	}
	if m.load == nil {
		return nil, errors.New("AWS is not configured")
	}
	cfg, err := m.load(ctx)
	if err != nil {
		return nil, fmt.Errorf("load the AWS configuration: %w", err)
	}
	m.client = secretsmanager.NewFromConfig(cfg)
	return m.client, nil
}

func managerError(ref string, err error) error {
	var missing *types.ResourceNotFoundException
	var decryption *types.DecryptionFailure
	var api smithy.APIError
	switch {
	case errors.As(err, &missing):
		return &Error{Ref: ref, Err: err, Try: "check its name, account and region: aws secretsmanager describe-secret --secret-id …"}
	case errors.As(err, &decryption):
		return &Error{Ref: ref, Err: err, Try: "allow kms:Decrypt on the key of the secret"}
	case errors.As(err, &api) && strings.Contains(api.ErrorCode(), "AccessDenied"):
		return &Error{Ref: ref, Err: err, Try: "allow secretsmanager:GetSecretValue (and kms:Decrypt for an own key) on it"}
	case errors.As(err, &api) && api.ErrorFault() != smithy.FaultServer:
		return &Error{Ref: ref, Err: err, Try: "check the credentials and the endpoint in the aws: section"}
	default:
		err = fmt.Errorf("%w: %w", errOutOfReach, err)
		return &Error{Ref: ref, Err: err, Try: "check the network, the proxy and the endpoint in the aws: section"}
	}
}
