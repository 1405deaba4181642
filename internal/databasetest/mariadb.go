package databasetest

import (
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/go-sql-driver/mysql"
)

// MariaDB starts Debian's MariaDB, with the database "test".
func MariaDB(t testing.TB, options ...string) *Server {
	t.Helper()
	server, err := exec.LookPath("mariadbd")
	if err != nil {
		if _, err := os.Stat("/usr/sbin/mariadbd"); err != nil {
			t.Skip("Debian's MariaDB is not here")
		}
		server = "/usr/sbin/mariadbd"
	}
	if _, err := exec.LookPath("mariadb-install-db"); err != nil {
		t.Skip("Debian's MariaDB is not here: mariadb-install-db is not on PATH")
	}
	dir := t.TempDir()
	run := as(t, "mysql", dir)
	data := filepath.Join(dir, "data")
	if said, err := run("mariadb-install-db", "--no-defaults", "--datadir="+data, "--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve", "--tmpdir="+dir).CombinedOutput(); err != nil {
		t.Fatalf("mariadb-install-db: %v\n%s", err, said)
	}
	s := &Server{Host: "127.0.0.1", Port: freePort(t), User: "root", Database: "test", t: t, log: filepath.Join(t.TempDir(), "log")}
	s.command = func() *exec.Cmd {
		args := []string{"--no-defaults", "--datadir=" + data, "--bind-address=127.0.0.1", fmt.Sprintf("--port=%d", s.Port), "--socket=" + filepath.Join(data, "socket"),
			"--pid-file=" + filepath.Join(data, "pid"), "--skip-name-resolve", "--tmpdir=" + dir, "--innodb-flush-log-at-trx-commit=2"}
		return run(server, append(args, options...)...)
	}
	base := ""
	s.open = func() (*sql.DB, error) {
		cfg := mysql.NewConfig()
		cfg.Net, cfg.Addr, cfg.User, cfg.DBName, cfg.InterpolateParams = "tcp", s.Address(), "root", base, true
		cfg.Logger = silent{}
		c, err := mysql.NewConnector(cfg)
		if err != nil {
			return nil, err
		}
		return sql.OpenDB(c), nil
	}
	s.Start()
	t.Cleanup(s.Kill)
	s.Exec("CREATE DATABASE test CHARACTER SET utf8mb4")
	base = "test"
	return s
}

type silent struct{}

func (silent) Print(...any) {}
