package cli

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"

	"github.com/spf13/cobra"

	"gantry/api/client"
)

func (a *app) invokeCommand() *cobra.Command {
	var event string
	c := &cobra.Command{
		Use: "invoke FUNCTION --event FILE", Short: "Run a function once and print its answer",
		Long: `Invoke runs a function with the event of a file (- is standard input) and prints its
answer; the end of its log goes to standard error. It exits with 1 when the function
failed.`,
		Example: "  gantry invoke order-validate --event event.json\n  echo '{}' | gantry invoke order-validate --event -",
		Args:    args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, words []string) error {
			body, err := a.readFile(event)
			if err != nil {
				return err
			}
			return a.invoke(c, words[0], body)
		},
	}
	c.Flags().StringVar(&event, "event", "-", "file with the event; - is standard input")
	return c
}

func (a *app) readFile(path string) ([]byte, error) {
	if path == "-" {
		return io.ReadAll(a.In)
	}
	body, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the event: %w", err)
	}
	return body, nil
}

func (a *app) invoke(c *cobra.Command, name string, event []byte) error {
	api, err := a.client(c.Context())
	if err != nil {
		return err
	}
	res, err := api.Send(c.Context(), client.Request{
		Method: http.MethodPost, Path: "/2015-03-31/functions/" + url.PathEscape(name) + "/invocations",
		Header: http.Header{"X-Amz-Log-Type": {"Tail"}}, Body: event,
	})
	if err != nil {
		return err
	}
	if log, err := base64.StdEncoding.DecodeString(res.Header.Get("X-Amz-Log-Result")); err == nil {
		_, _ = a.Err.Write(log)
	}
	fmt.Fprintf(a.Out, "%s\n", res.Body)
	if failed := res.Header.Get("X-Amz-Function-Error"); failed != "" {
		return fmt.Errorf("the function failed (%s)", failed)
	}
	return nil
}
