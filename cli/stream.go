package cli

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/spf13/cobra"

	"gantry/api/client"
)

// stream reads an answer line by line until it ends or Ctrl-C, which is no failure.
func (a *app) stream(c *cobra.Command, path string, query url.Values, line func([]byte) error) error {
	return a.streamOf(c, client.Request{Method: http.MethodGet, Path: path, Query: query}, line)
}

// longestLine is over a record of the largest size, as JSON.
const longestLine = 64 << 20

func (a *app) streamOf(c *cobra.Command, q client.Request, line func([]byte) error) error {
	api, err := a.client(c.Context())
	if err != nil {
		return err
	}
	body, err := api.Stream(c.Context(), q)
	if err != nil {
		return err
	}
	defer func() { _ = body.Close() }()
	scan := bufio.NewScanner(body)
	scan.Buffer(nil, longestLine)
	for scan.Scan() {
		if err := line(scan.Bytes()); err != nil {
			return err
		}
	}
	if c.Context().Err() != nil {
		return nil
	}
	if err := scan.Err(); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("the stream broke off: %w", err)
	}
	return nil
}

// each prints one value of a stream: as it came with -o json, else in words.
func each[T any](a *app, line []byte, words func(T)) error {
	if a.output == "json" {
		_, err := fmt.Fprintf(a.Out, "%s\n", line)
		return err
	}
	var value T
	if err := json.Unmarshal(line, &value); err != nil {
		return fmt.Errorf("read a line of the stream: %w", err)
	}
	words(value)
	return nil
}
