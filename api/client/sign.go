package client

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/google/uuid"
)

// sign signs as AWS's clients sign for Lambda. Without credentials the request goes out
// as it is: a demo takes it, and a daemon's refusal says what to do.
func (c *Client) sign(r *http.Request, body []byte, at time.Time) error {
	if !c.who.HasKeys() {
		return nil
	}
	r.Header.Set("Amz-Sdk-Invocation-Id", uuid.NewString()) // a signature of its own: it can't be replayed
	digest := sha256.Sum256(body)
	return v4.NewSigner().SignHTTP(r.Context(), c.who, r, hex.EncodeToString(digest[:]), "lambda", c.region, at)
}
