package kafkatest

import (
	"context"
	"os"
	"path/filepath"
	"time"
)

// archiveClasses runs a broker once and has Java keep the classes it loaded (class data
// sharing): each later start then takes about a second less of a core.
func (d *distribution) archiveClasses() error {
	dir, err := os.MkdirTemp("", "gantry-kafka-classes-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	draft := filepath.Join(dir, "classes.jsa")
	c, err := launch(d, dir, Options{JVM: []string{"-XX:ArchiveClassesAtExit=" + draft}})
	if err != nil {
		return err
	}
	defer c.Stop()
	if err := c.brokers[0].proc.stop(time.Minute); err != nil { // it writes the archive as it ends
		return err
	}
	return publishFile(draft, d.classes())
}

// publishFile copies across file systems and shows the result only when it is whole.
func publishFile(from, to string) error {
	content, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	half := to + ".half"
	if err := os.WriteFile(half, content, 0o644); err != nil {
		return err
	}
	return os.Rename(half, to)
}

// settle waits until each broker of a new cluster serves clients.
func (c *Cluster) settle() error {
	ctx, cancel := context.WithTimeout(context.Background(), startPatience)
	defer cancel()
	for _, b := range c.brokers {
		if err := b.answers(ctx, c.options); err != nil {
			return err
		}
	}
	return nil
}
