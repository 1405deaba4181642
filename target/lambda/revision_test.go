package lambda_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"gantry/internal/fakelambda"
	"gantry/target/lambda"
)

// What a function does in AWS is known by its code and its configuration; what AWS changes by
// itself is left out.
func TestARevisionIsCodeAndConfiguration(t *testing.T) {
	t.Parallel()
	fake := fakelambda.Start(t)
	target := open(t, lambda.Config{Endpoint: fake.URL})
	_, err := target.Revision(t.Context())
	require.ErrorContains(t, err, "AccessDenied")
	require.ErrorContains(t, err, "lambda:GetFunctionConfiguration")

	revision := func(answer string) string {
		fake.Configure(answer)
		sum, err := target.Revision(t.Context())
		require.NoError(t, err)
		return sum
	}
	first := revision(`{"CodeSha256":"a","MemorySize":128,"RevisionId":"1","Environment":{"Variables":{"A":"1","B":"2"}}}`)
	require.Equal(t, first, revision(`{"CodeSha256":"a","MemorySize":128,"RevisionId":"2","State":"Active","Environment":{"Variables":{"B":"2","A":"1"}}}`))
	seen := map[string]bool{first: true}
	for _, other := range []string{
		`{"CodeSha256":"b","MemorySize":128,"Environment":{"Variables":{"A":"1","B":"2"}}}`,
		`{"CodeSha256":"a","MemorySize":256,"Environment":{"Variables":{"A":"1","B":"2"}}}`,
		`{"CodeSha256":"a","MemorySize":128,"Environment":{"Variables":{"A":"1","B":"3"}}}`,
		`{"CodeSha256":"a","MemorySize":128,"Layers":[{"Arn":"l:1"}],"Environment":{"Variables":{"A":"1","B":"2"}}}`,
		`{"CodeSha256":"a","MemorySize":128,"Version":"7","Environment":{"Variables":{"A":"1","B":"2"}}}`,
	} {
		sum := revision(other)
		require.False(t, seen[sum], other)
		seen[sum] = true
	}
}
