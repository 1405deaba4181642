package cli

import (
	"fmt"
	"io"
	"time"
)

// identityLine is credentials for AWS that gantry keeps.
type identityLine struct {
	Name      string    `json:"name"`
	Expires   time.Time `json:"expires"`
	LastError string    `json:"lastError"`
}

// printIdentities shows the credentials for AWS that could not be renewed: those that
// hold are in -o json and in the metrics.
func printIdentities(w io.Writer, all []identityLine) {
	for _, i := range all {
		if i.LastError == "" {
			continue
		}
		state := "there are none"
		if left := time.Until(i.Expires); left > 0 {
			state = "those in use hold for " + inDays(left)
		}
		fmt.Fprintf(w, "AWS credentials of %s can't be renewed (%s): %s\n  gantry doctor aws\n\n", i.Name, state, i.LastError)
	}
}
