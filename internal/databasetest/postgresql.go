package databasetest

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	_ "github.com/lib/pq" // the driver

	"os/exec"
)

// PostgreSQL starts Debian's PostgreSQL with the options of one command line; fsync is off.
func PostgreSQL(t testing.TB, options ...string) *Server {
	t.Helper()
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	if len(found) == 0 {
		t.Skip("Debian's PostgreSQL is not here")
	}
	bin, dir := found[len(found)-1], t.TempDir()
	run := as(t, "postgres", dir)
	data := filepath.Join(dir, "data")
	if said, err := run(filepath.Join(bin, "initdb"), "-D", data, "-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale", "C.UTF-8").CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, said)
	}
	doors := "host all postgres 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n"
	if err := os.WriteFile(filepath.Join(data, "pg_hba.conf"), []byte(doors), 0o600); err != nil {
		t.Fatal(err)
	}
	s := &Server{Host: "127.0.0.1", Port: freePort(t), User: "postgres", Database: "postgres", t: t, log: filepath.Join(t.TempDir(), "log")}
	s.command = func() *exec.Cmd {
		os.Remove(filepath.Join(data, "postmaster.pid")) // of one that was killed
		args := []string{"-D", data, "-p", fmt.Sprint(s.Port), "-h", "127.0.0.1", "-k", "", "-F"}
		return run(filepath.Join(bin, "postgres"), append(args, options...)...)
	}
	s.open = func() (*sql.DB, error) {
		return sql.Open("postgres", fmt.Sprintf("host=127.0.0.1 port=%d user=postgres dbname=postgres sslmode=disable connect_timeout=5", s.Port))
	}
	s.Start()
	t.Cleanup(s.Kill)
	return s
}
