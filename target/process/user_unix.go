//go:build unix

package process

import (
	"io/fs"
	"syscall"
)

// credential is what the kernel is told: this user, this group and no other.
func (a *account) credential() *syscall.Credential {
	if a == nil {
		return nil
	}
	return &syscall.Credential{Uid: uint32(a.uid), Gid: uint32(a.gid), Groups: []uint32{}}
}

// may says whether the user has some of rwx (as the last three bits) on a file.
func (a *account) may(info fs.FileInfo, want fs.FileMode) bool {
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return true
	}
	mode := info.Mode().Perm()
	switch {
	case int(owner.Uid) == a.uid:
		mode >>= 6
	case int(owner.Gid) == a.gid:
		mode >>= 3
	}
	return mode&want == want
}
