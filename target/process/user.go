package process

import (
	"fmt"
	"os"
	"os/user"
	"runtime"
	"strconv"
	"strings"
)

// account is the operating system user that a function's processes run as.
type account struct {
	name     string
	uid, gid int
}

// CheckUser says whether processes can be run as a user here; spec is USER or
// USER:GROUP, names or numbers.
func CheckUser(spec string) error {
	_, err := lookupAccount(spec)
	return err
}

// lookupAccount finds a user. Changing to one needs root; and root itself would isolate
// nothing.
func lookupAccount(spec string) (*account, error) {
	if spec == "" {
		return nil, nil //nolint:nilnil // no user is asked for: processes run as gantry's own
	}
	name, group, _ := strings.Cut(spec, ":")
	if runtime.GOOS != "linux" {
		return nil, fmt.Errorf("user %s: functions can run as a user of their own on Linux only", spec)
	}
	if os.Geteuid() != 0 {
		return nil, fmt.Errorf("user %s: only root may start processes as another user, and gantry runs as user id %d; start it as root, or leave user: out", spec, os.Geteuid())
	}
	u, err := findUser(name)
	if err != nil {
		return nil, fmt.Errorf("user %s: %w; create it, without a login: useradd --system --shell /usr/sbin/nologin %s", spec, err, name)
	}
	if group != "" {
		if u.gid, err = findGroup(group); err != nil {
			return nil, fmt.Errorf("user %s: %w", spec, err)
		}
	}
	if u.uid == 0 || u.gid == 0 {
		return nil, fmt.Errorf("user %s: root, or root's group, would isolate nothing; name another", spec)
	}
	return u, nil
}

func findUser(name string) (*account, error) {
	if u, err := user.Lookup(name); err == nil {
		uid, _ := strconv.Atoi(u.Uid)
		gid, _ := strconv.Atoi(u.Gid)
		return &account{name, uid, gid}, nil
	}
	id, err := strconv.Atoi(name)
	if err != nil || id < 0 {
		return nil, fmt.Errorf("there is no user %q", name)
	}
	if u, err := user.LookupId(name); err == nil {
		gid, _ := strconv.Atoi(u.Gid)
		return &account{name, id, gid}, nil
	}
	return &account{name, id, id}, nil // a number without a name is a user too
}

func findGroup(name string) (int, error) {
	if g, err := user.LookupGroup(name); err == nil {
		return strconv.Atoi(g.Gid)
	}
	id, err := strconv.Atoi(name)
	if err != nil || id < 0 {
		return 0, fmt.Errorf("there is no group %q", name)
	}
	return id, nil
}
