package lambda

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"gantry/function"
)

// CodePath is the path under which deployment packages are fetched. Its URLs are signed
// and live for ten minutes, like those AWS gives out: they need no other credentials.
const CodePath = "/lambda-code/"

const codeLocationLife = 10 * time.Minute

type codeLocation struct {
	RepositoryType string `json:"RepositoryType,omitempty"`
	Location       string `json:"Location,omitempty"`
}

// codeLocation says where the code of a function is: a signed URL of its zip, a folder,
// or what gantry calls for a function that runs elsewhere.
func (s *Server) codeLocation(c call, f *function.Function) codeLocation {
	switch {
	case f.Kind == function.Lambda:
		return codeLocation{RepositoryType: "Lambda", Location: f.ARN}
	case f.Kind == function.HTTP:
		return codeLocation{RepositoryType: "HTTP", Location: withoutSecrets(f.URL)}
	case f.Kind == function.InProcess:
		return codeLocation{RepositoryType: "Integration", Location: f.Integration}
	case f.Code.SHA256 == "":
		return codeLocation{RepositoryType: "Folder", Location: f.Code.Dir}
	}
	sum, err := base64.StdEncoding.DecodeString(f.Code.SHA256)
	if err != nil {
		return codeLocation{}
	}
	name := base64.RawURLEncoding.EncodeToString(sum)
	expires := strconv.FormatInt(s.cfg.Now().Add(codeLocationLife).Unix(), 10)
	return codeLocation{RepositoryType: "S3", Location: fmt.Sprintf("%s%s%s?expires=%s&signature=%s",
		c.baseURL, CodePath, name, expires, s.sign(name, expires))}
}

// withoutSecrets leaves out what a URL may carry of a login or a key.
func withoutSecrets(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	return u.String()
}

func (s *Server) sign(name, expires string) string {
	mac := hmac.New(sha256.New, s.signing)
	fmt.Fprintf(mac, "%s\n%s", name, expires) // a hash takes everything
	return hex.EncodeToString(mac.Sum(nil))
}

// serveCode answers the URLs that codeLocation made.
func (s *Server) serveCode(w http.ResponseWriter, r *http.Request) {
	name, expires := r.PathValue("sha"), r.URL.Query().Get("expires")
	if !hmac.Equal([]byte(s.sign(name, expires)), []byte(r.URL.Query().Get("signature"))) {
		http.Error(w, "The signature of this location is not valid; ask GetFunction for a new one.", http.StatusForbidden)
		return
	}
	until, err := strconv.ParseInt(expires, 10, 64)
	if err != nil || s.cfg.Now().Unix() > until {
		http.Error(w, "This location has expired; ask GetFunction for a new one.", http.StatusForbidden)
		return
	}
	sum, err := base64.RawURLEncoding.DecodeString(name)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	s.sendZip(w, r, base64.StdEncoding.EncodeToString(sum))
}

func (s *Server) sendZip(w http.ResponseWriter, r *http.Request, sum string) {
	archive, err := s.cfg.Code.Zip(sum)
	if errors.Is(err, fs.ErrNotExist) {
		http.NotFound(w, r)
		return
	}
	if err != nil {
		s.fail(w, r, "GetFunction", err)
		return
	}
	w.Header().Set("Content-Type", "application/zip")
	if _, err := w.Write(archive); err != nil {
		s.cfg.Log.WarnContext(r.Context(), "a deployment package was not sent to its end",
			"requestId", callOf(r.Context()).requestID, "error", err)
	}
}
