package process

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// memory returns the bytes that the process, and with it what it started, holds for
// itself: resident pages less those that belong to files or are shared, which an
// interpreter of tens of megabytes has in common with its siblings.
func (c *child) memory(withFamily bool) int {
	if !withFamily {
		return private(c.pid())
	}
	total := 0
	for _, pid := range family(c.pid()) {
		total += private(pid)
	}
	return total
}

// private reads /proc/PID/statm: size, resident, shared, … in pages.
func private(pid int) int {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(b))
	if len(fields) < 3 {
		return 0
	}
	resident, _ := strconv.Atoi(fields[1])
	shared, _ := strconv.Atoi(fields[2])
	return (resident - shared) * os.Getpagesize()
}

// family returns a process and what it started. Not every kernel keeps lists of
// children; without them all processes of the machine are looked through for its group.
func family(pid int) []int {
	if _, err := os.Stat("/proc/self/task/" + strconv.Itoa(os.Getpid()) + "/children"); err != nil {
		return groupMembers(pid)
	}
	all := []int{pid}
	for i := 0; i < len(all); i++ {
		all = append(all, children(all[i])...)
	}
	return all
}

// children returns the processes a process started, from any of its threads.
func children(pid int) []int {
	threads, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil {
		return nil
	}
	var all []int
	for _, t := range threads {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/children", pid, t.Name()))
		if err != nil {
			continue // the thread ended
		}
		for _, f := range strings.Fields(string(b)) {
			if child, err := strconv.Atoi(f); err == nil {
				all = append(all, child)
			}
		}
	}
	return all
}
