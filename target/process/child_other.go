//go:build !linux

package process

import "syscall"

func attributesOf(p program) *syscall.SysProcAttr { return attributes(p.user) }

// reap waits for the program's end and collects it, then kills what is left of its group.
func (c *child) reap() error {
	err := c.cmd.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.signalGroup(true)
	c.gone = true
	return err
}

// spawner starts processes. Without a parent death signal it needs no thread of its own.
type spawner struct{}

func (*spawner) start(p program) (*child, error) {
	c := &child{cmd: command(p), user: p.user}
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	return c, nil
}

func (*spawner) rest() {}

func (*spawner) settle(*thread) {}
