package targets

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/stretchr/testify/require"

	"gantry/function"
	"gantry/internal/fakelambda"
	targethttp "gantry/target/http"
	"gantry/target/lambda"
)

const arn = "arn:aws:lambda:eu-west-1:123456789012:function:orders:live"

func TestHTTP(t *testing.T) {
	t.Parallel()
	Run(t, Target{
		Open: func(t *testing.T, b Behaviour, timeout time.Duration) Subject {
			fake := fakelambda.Start(t, step(t, b))
			target, err := targethttp.New(address(fake, b)+"/invoke", targethttp.Config{Timeout: timeout, Margin: time.Millisecond})
			require.NoError(t, err)
			return remote(t, b, fake, target)
		},
	})
}

func TestLambda(t *testing.T) {
	t.Parallel()
	Run(t, Target{
		LogTail: true,
		Lacks:   map[Behaviour]string{Dies: "Lambda reports the death of a function as an error, as in the case of an error"},
		Open: func(t *testing.T, b Behaviour, timeout time.Duration) Subject {
			fake := fakelambda.Start(t, step(t, b))
			target, err := lambda.New(arn, lambda.Config{
				AWS:      aws.Config{Credentials: credentials.NewStaticCredentialsProvider("AKID", "secret", "")},
				Endpoint: address(fake, b), Timeout: timeout, Margin: time.Millisecond,
			})
			require.NoError(t, err)
			return remote(t, b, fake, target)
		},
	})
}

// address is where the target looks for the function. Port 1 is nobody's: a port that was
// just closed may be another test's a moment later.
func address(fake *fakelambda.Server, b Behaviour) string {
	if b == Refuses {
		return "http://127.0.0.1:1"
	}
	return fake.URL
}

func remote(t *testing.T, b Behaviour, fake *fakelambda.Server, i interface {
	function.Invoker
	Close()
}) Subject {
	t.Cleanup(i.Close)
	return Subject{Invoker: i, Runs: fake.Runs, Arrived: func() int { return len(fake.Calls()) }}
}

// step is what the fake does for a behaviour.
func step(t *testing.T, b Behaviour) fakelambda.Step {
	t.Helper()
	steps := map[Behaviour]fakelambda.Step{
		Echo:        fakelambda.Run(func(event []byte) ([]byte, error) { return event, nil }),
		Nothing:     fakelambda.Answer(""),
		Fails:       fakelambda.Fail("ValueError", "no such order"),
		Dies:        fakelambda.CutAfterRun(),
		Hangs:       fakelambda.Hang(),
		Babbles:     fakelambda.Answer(strings.Repeat("x", function.MaxAnswer+1)),
		Refuses:     fakelambda.Hang(),
		Throttles:   fakelambda.Throttle(7 * time.Second),
		Overloaded:  fakelambda.Status(http.StatusServiceUnavailable, "ServiceException"),
		Redirects:   fakelambda.Redirect(http.StatusTemporaryRedirect, "http://127.0.0.1:1/elsewhere"),
		Forbids:     fakelambda.Status(http.StatusForbidden, "AccessDeniedException"),
		Missing:     fakelambda.Status(http.StatusNotFound, "ResourceNotFoundException"),
		TooBig:      fakelambda.Status(http.StatusRequestEntityTooLarge, "RequestEntityTooLargeException"),
		CutUnread:   fakelambda.CutUnread(),
		CutAfterRun: fakelambda.CutAfterRun(),
		HalfAnswer:  fakelambda.Half(`{"done":true}`),
		BadGateway:  fakelambda.Proxy(http.StatusBadGateway),
		AnswersLate: fakelambda.Late("null"),
		Drips:       fakelambda.Slow(`{"done":true}`, 13, time.Millisecond),
		Stalls:      fakelambda.HangUnread(),
		Hasty:       fakelambda.EarlyAnswer(http.StatusServiceUnavailable),
	}
	require.Contains(t, steps, b)
	return steps[b]
}
