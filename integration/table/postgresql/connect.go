package postgresql

import (
	"context"
	"crypto/tls"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/lib/pq"

	"gantry/integration/table"
	"gantry/sink"
)

// server is how the server is reached. It is a driver.Connector: each connection asks for
// the login anew, as it may have been rotated.
type server struct {
	settings sink.Settings
	deps     sink.Deps
}

func (s *server) open(context.Context) (*sql.DB, error) {
	db := sql.OpenDB(s)
	table.Limit(db, s.settings)
	return db, nil
}

// Driver implements driver.Connector.
func (s *server) Driver() driver.Driver { return &pq.Driver{} }

// Connect implements driver.Connector. A login that is refused is read once more.
func (s *server) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := s.connect(ctx)
	if err != nil && refusedLogin(err) {
		if ref := s.settings["login"] + s.settings["password"]; ref != "" {
			s.deps.Forget(ref)
			c, err = s.connect(ctx)
		}
	}
	return c, err
}

func refusedLogin(err error) bool {
	var refused *pq.Error
	return errors.As(err, &refused) && strings.HasPrefix(string(refused.Code), "28")
}

func (s *server) connect(ctx context.Context) (driver.Conn, error) {
	var errs []error
	for _, host := range s.settings.List("host") {
		c, err := s.connectTo(ctx, host)
		if err == nil || refusedLogin(err) {
			return c, err
		}
		errs = append(errs, fmt.Errorf("connect to %s: %w", host, err))
	}
	return nil, errors.Join(errs...)
}

func (s *server) connectTo(ctx context.Context, address string) (driver.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		host, port = address, "5432"
	}
	user, password, err := s.login(ctx, net.JoinHostPort(host, port))
	if err != nil {
		return nil, err
	}
	connector, err := pq.NewConnector(s.parameters(host, port, user, password))
	if err != nil {
		return nil, err
	}
	connector.Dialer(dialer{s, host})
	return connector.Connect(ctx)
}

// parameters are the connection's. Everything is named, so that no variable and no file of
// this machine's user has a say. TLS is made by the dialer.
func (s *server) parameters(host, port, user, password string) string {
	p := map[string]string{
		"host": host, "port": port, "dbname": s.settings["database"], "user": user, "password": password,
		"sslmode": "disable", "binary_parameters": "yes", "application_name": "gantry",
		"options": fmt.Sprintf("-c statement_timeout=%d -c TimeZone=UTC", s.settings.Duration("statementTimeout").Milliseconds()),
	}
	if len(s.settings.List("host")) > 1 {
		p["target_session_attrs"] = "read-write"
	}
	if path := s.settings["searchPath"]; path != "" {
		p["search_path"] = path
	}
	var b strings.Builder
	for name, value := range p {
		fmt.Fprintf(&b, "%s='%s' ", name, strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(value))
	}
	return b.String()
}

// login gives user and password: of a secret, or a token of IAM.
func (s *server) login(ctx context.Context, address string) (user, password string, err error) {
	if s.settings.Bool("iam") {
		password, err = s.token(ctx, address)
		return s.settings["user"], password, err
	}
	return table.Login(ctx, s.settings, s.deps)
}

// emptyHash is the SHA-256 of nothing, the body of a request that is signed in its URL.
const emptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// token is what RDS takes for a password (RDS User Guide, UsingWithRDS.IAMDBAuth): a
// presigned request without its scheme. It holds for 15 minutes, and only to connect.
func (s *server) token(ctx context.Context, address string) (string, error) {
	if s.deps.AWS == nil {
		return "", errors.New("iam: gantry has no credentials of AWS here; set aws: in its configuration")
	}
	cfg, err := s.deps.AWS(ctx)
	if err != nil {
		return "", err
	}
	credentials, err := cfg.Credentials.Retrieve(ctx)
	if err != nil {
		return "", fmt.Errorf("credentials for a token of IAM: %w", err)
	}
	return sign(ctx, credentials, address, cfg.Region, s.settings["user"], s.deps.Now())
}

func sign(ctx context.Context, credentials aws.Credentials, address, region, user string, at time.Time) (string, error) {
	query := url.Values{"Action": {"connect"}, "DBUser": {user}, "X-Amz-Expires": {"900"}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+address+"/?"+query.Encode(), http.NoBody)
	if err != nil {
		return "", err
	}
	signed, _, err := v4.NewSigner().PresignHTTP(ctx, credentials, req, emptyHash, "rds-db", region, at)
	return strings.TrimPrefix(signed, "https://"), err
}

// dialer makes the connection through the function's networks, and TLS on it.
type dialer struct {
	server *server
	host   string
}

// Dial implements pq.Dialer.
func (d dialer) Dial(network, address string) (net.Conn, error) {
	return d.DialContext(context.Background(), network, address)
}

// DialTimeout implements pq.Dialer.
func (d dialer) DialTimeout(network, address string, t time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), t)
	defer cancel()
	return d.DialContext(ctx, network, address)
}

// DialContext implements pq.DialerContext.
func (d dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	s := d.server
	c, err := s.deps.Dial(ctx, network, address)
	if err != nil || s.settings["tls"] == "disable" {
		return c, err
	}
	t, err := s.encrypt(ctx, c, d.host)
	if err != nil {
		c.Close()
		return nil, err
	}
	return t, nil
}

// sslRequest asks the server for TLS (PostgreSQL: Message Formats, SSLRequest).
var sslRequest = []byte{0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f}

func (s *server) encrypt(ctx context.Context, c net.Conn, host string) (net.Conn, error) {
	if until, ok := ctx.Deadline(); ok {
		if err := c.SetDeadline(until); err != nil {
			return nil, err
		}
		defer c.SetDeadline(time.Time{}) //nolint:errcheck // the connection is used next, and tells
	}
	if _, err := c.Write(sslRequest); err != nil {
		return nil, err
	}
	var answer [1]byte
	if _, err := c.Read(answer[:]); err != nil {
		return nil, err
	}
	if answer[0] != 'S' {
		return nil, errors.New("the server takes no TLS; set tls: disable if nobody is between, or turn ssl on there")
	}
	cfg, err := table.TLS(ctx, s.settings, s.deps, host)
	if err != nil {
		return nil, err
	}
	t := tls.Client(c, cfg)
	return t, t.HandshakeContext(ctx)
}

// explain says what an error means and what to try.
func (s *server) explain(class table.Class, err error) error {
	var e *pq.Error
	detail := err // its Detail may quote the row, which belongs in no log
	if !errors.As(err, &e) {
		return detail
	}
	switch {
	case e.Code == "42P10":
		return fmt.Errorf("%w; make a unique index on exactly the columns of the key (settings key and keyColumns)", detail)
	case class == table.Missing:
		return fmt.Errorf("%w; make the table, correct the setting table, or set unknownColumns: create", detail)
	case class == table.Setup:
		return fmt.Errorf("%w; check host, database, login and what the user may do", detail)
	}
	return detail
}
