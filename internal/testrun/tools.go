package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
)

// Tool is something that tests use and Go does not bring.
type Tool struct {
	Name    string
	Probe   []string // a command that works where the tool is there
	Debian  []string // the packages that bring it
	Without string   // what is skipped without it
}

var (
	compiler = Tool{"a C compiler", []string{"cc", "--version"}, []string{"gcc", "libc6-dev"}, "the race detector"}
	java     = Tool{"Java", []string{"java", "-version"}, []string{"default-jdk-headless"}, "tests on a real Kafka, the Java runtime, AWS's rule engine"}
	maven    = Tool{"Maven", []string{"mvn", "-version"}, []string{"maven"}, "tests on a real Kafka, AWS's rule engine"}
	python   = Tool{"Python with venv", []string{"python3", "-c", "import venv, ensurepip"}, []string{"python3", "python3-venv"}, "the Python runtime, the aws CLI, boto3"}
	kerberos = Tool{"a Kerberos KDC", []string{"sh", "-c", "PATH=$PATH:/usr/sbin; command -v krb5kdc && command -v kadmin.local && command -v kinit"}, []string{"krb5-kdc", "krb5-admin-server", "krb5-user"}, "logins against real brokers, Kerberos among them"}
	node     = Tool{"Node.js", []string{"node", "--version"}, []string{"nodejs", "npm"}, "the Node.js runtime"}
	chromium = Tool{"Chromium", []string{"chromium", "--version"}, []string{"chromium"}, "pages of other sites and the report of an assessment in a real browser"}

	namespaces = Tool{"ip of iproute2 (and root)", []string{"ip", "-V"}, []string{"iproute2"}, "brokers and AWS behind proxies"}
	proxies    = Tool{"proxies and an SSH server", []string{"sh", "-c", "for p in microsocks tinyproxy squid /usr/sbin/sshd ssh-keygen openssl; do command -v $p || exit 1; done"},
		[]string{"microsocks", "tinyproxy", "squid-openssl", "openssh-server", "openssh-client", "openssl"}, "brokers and AWS behind proxies"}
	systemd  = Tool{"systemd", []string{"systemd-analyze", "--version"}, []string{"systemd"}, "the check of the service's walls"}
	postgres = Tool{"PostgreSQL", []string{"sh", "-c", "ls /usr/lib/postgresql/*/bin/initdb"}, []string{"postgresql"}, "the first week's database"}
	mariadb  = Tool{"MariaDB", []string{"sh", "-c", "PATH=$PATH:/usr/sbin; command -v mariadbd && command -v mariadb-install-db"}, []string{"mariadb-server"}, "the integration mysql on a real server"}
	rpmTool  = Tool{"rpm", []string{"rpm", "--version"}, []string{"rpm"}, "the look into the RPM package"}
)

var promtool = Tool{"Prometheus", []string{"promtool", "--version"}, []string{"prometheus"}, "alert rules and the dashboard's queries in a real Prometheus"}

func (t Tool) there(ctx context.Context) bool {
	return exec.CommandContext(ctx, t.Probe[0], t.Probe[1:]...).Run() == nil
}

// missing gives the tools of some parts that this machine does not have.
func missing(ctx context.Context, chosen []Part) []Tool {
	var lack []Tool
	asked := map[string]bool{}
	for _, p := range chosen {
		for _, t := range tools(p) {
			if !asked[t.Name] && !t.there(ctx) {
				lack = append(lack, t)
			}
			asked[t.Name] = true
		}
	}
	return lack
}

// tools gives everything a part can use.
func tools(p Part) []Tool {
	all := slices.Concat(p.Needs, p.Wants)
	for _, k := range p.Kits {
		all = append(all, k.Needs...)
	}
	return all
}

// install brings what is missing where that was asked for (CI, or INSTALL=1) and is
// possible (root, on Debian or one of its children). Everywhere else it only says what it
// would do, and goes on: a test that lacks a tool says so and is skipped.
func install(ctx context.Context, lack []Tool, wanted bool, out io.Writer) {
	if len(lack) == 0 {
		return
	}
	var names []string
	for _, t := range lack {
		fmt.Fprintf(out, "missing: %s (without it: no %s)\n", t.Name, t.Without)
		names = append(names, t.Debian...)
	}
	command := append([]string{"apt-get", "install", "-y", "--no-install-recommends"}, names...)
	if why := whyNot(wanted); why != "" {
		fmt.Fprintf(out, "  would run: %s\n  but %s\n", strings.Join(command, " "), why)
		return
	}
	for _, c := range [][]string{{"apt-get", "update", "-q"}, command} {
		fmt.Fprintln(out, "  "+strings.Join(c, " "))
		if err := apt(ctx, c); err != nil {
			fmt.Fprintf(out, "  that failed (%v): the tests that need it will say so and be skipped\n", err)
			return
		}
	}
}

func whyNot(wanted bool) string {
	if !wanted {
		return "system packages are installed only with INSTALL=1, or where CI is set"
	}
	if _, err := exec.LookPath("apt-get"); err != nil {
		return "there is no apt-get here: install the same by this system's own means"
	}
	if runtime.GOOS != "linux" || os.Geteuid() != 0 {
		return "only root may: run it yourself with sudo"
	}
	return ""
}

func apt(ctx context.Context, command []string) error {
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	said, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, lastLine(string(said)))
	}
	return nil
}

func lastLine(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return lines[len(lines)-1]
}
