package mysql

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/go-sql-driver/mysql"

	"gantry/integration/table"
	"gantry/sink"
)

// server is how the server is reached. It is a driver.Connector: each connection asks for
// the login anew, as it may have been rotated.
type server struct {
	settings sink.Settings
	deps     sink.Deps
}

// silent is the driver's logger: what it logs it returns as well.
type silent struct{}

// Print implements mysql.Logger.
func (silent) Print(...any) {}

func (s *server) open(context.Context) (*sql.DB, error) {
	db := sql.OpenDB(s)
	table.Limit(db, s.settings)
	return db, nil
}

// Driver implements driver.Connector.
func (s *server) Driver() driver.Driver { return &mysql.MySQLDriver{} }

// Connect implements driver.Connector. A login that is refused is read once more.
func (s *server) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := s.connect(ctx)
	if number(err) == 1045 {
		if ref := s.settings["login"] + s.settings["password"]; ref != "" {
			s.deps.Forget(ref)
			c, err = s.connect(ctx)
		}
	}
	return c, err
}

func (s *server) connect(ctx context.Context) (driver.Conn, error) {
	host, port, err := net.SplitHostPort(s.settings["host"])
	if err != nil {
		host, port = s.settings["host"], "3306"
	}
	cfg := mysql.NewConfig()
	cfg.Net, cfg.Addr, cfg.DBName = "tcp", net.JoinHostPort(host, port), s.settings["database"]
	cfg.User, cfg.Passwd, err = table.Login(ctx, s.settings, s.deps)
	if err != nil {
		return nil, err
	}
	if s.settings["tls"] != "disable" {
		if cfg.TLS, err = table.TLS(ctx, s.settings, s.deps, host); err != nil {
			return nil, err
		}
	}
	cfg.DialFunc = s.deps.Dial
	cfg.Timeout, cfg.InterpolateParams, cfg.Loc = 10*time.Second, true, time.UTC
	cfg.Logger = silent{}
	cfg.Params = map[string]string{"sql_mode": "'TRADITIONAL,NO_AUTO_VALUE_ON_ZERO'", "time_zone": "'+00:00'"}
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		return nil, err
	}
	return connector.Connect(ctx)
}

// number is that of a server's error (MySQL: Server Error Message Reference), 0 of others.
func number(err error) uint16 {
	var e *mysql.MySQLError
	if errors.As(err, &e) {
		return e.Number
	}
	return 0
}

// explain says what an error means and what to try.
func explain(class table.Class, err error) error {
	switch {
	case number(err) == raised:
		return fmt.Errorf("%w: the row is in conflict with another row of a unique index beside the primary key", err)
	case class == table.Missing:
		return fmt.Errorf("%w; make the table, correct the setting table, or set unknownColumns: create", err)
	case class == table.Setup:
		return fmt.Errorf("%w; check host, database, login and what the user may do", err)
	}
	return err
}
