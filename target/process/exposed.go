package process

import (
	"cmp"
	"fmt"
	"os"
	"os/user"
	"runtime"
	"slices"
	"strings"

	"gantry/function"
)

// Exposed says what functions that run here are not kept from, in sentences for the
// owner: at the start, in describe and in docs/security.md.
func (c Config) Exposed(functions []function.Function) []string {
	var own, users []string
	for _, fn := range functions {
		if fn.Kind != function.Process {
			continue
		}
		if u := cmp.Or(fn.User, c.User); u == "" {
			own = append(own, fn.Name)
		} else {
			users = append(users, u)
		}
	}
	var out []string
	if len(own) > 0 || len(functions) == 0 && c.User == "" {
		out = append(out, c.asGantry(own))
	}
	slices.Sort(users)
	if shared := slices.Compact(slices.Clone(users)); len(shared) < len(users) {
		out = append(out, fmt.Sprintf("functions of one user (%s) can reach each other's processes, variables and temp folders; give each a user: of its own", strings.Join(shared, ", ")))
	}
	if runtime.GOOS != "linux" {
		out = append(out, "on this system the Runtime API of a function answers every local process that finds its port, and memory: is not held")
	}
	return append(out, "functions can open any network connection that this machine can, and see the names and arguments of its processes")
}

func (c Config) asGantry(own []string) string {
	who := fmt.Sprintf("user id %d", os.Geteuid())
	if u, err := user.Current(); err == nil {
		who = u.Username
	}
	which := "functions without a user: of their own"
	if len(own) > 0 {
		slices.Sort(own)
		which = strings.Join(own, ", ")
	}
	text := fmt.Sprintf("%s run as gantry's own user (%s) and can read every file it can: keys, secrets and the store in %s", which, who, c.DataDir)
	if os.Geteuid() == 0 {
		return text + ", as root also the memory of every process; set user:"
	}
	return text + "; start gantry as root and set user:, or run only code you trust"
}
