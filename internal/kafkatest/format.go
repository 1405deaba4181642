package kafkatest

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// Every cluster knows two users by all of its SASL mechanisms.
const (
	UserName      = "gantry" // may do only what Allow gave, in a cluster with ACLs
	UserPassword  = "gantry-secret"
	AdminName     = "admin" // may do everything
	AdminPassword = "admin-secret"
)

// clusterID is the same for every cluster: a log directory is formatted once per
// version, not once per broker, and the id is part of it.
const clusterID = "Z2FudHJ5LWthZmthdGVzdA"

// formatArgs asks the storage tool for the SCRAM users; they can't exist otherwise
// before the first client has logged in.
func formatArgs() []string {
	args := []string{"format", "-t", clusterID}
	for _, user := range []string{UserName + ",password=" + UserPassword, AdminName + ",password=" + AdminPassword} {
		for _, mechanism := range []string{"SCRAM-SHA-256", "SCRAM-SHA-512"} {
			args = append(args, "--add-scram", fmt.Sprintf("%s=[name=%s]", mechanism, user))
		}
	}
	return args
}

// format lets Kafka's storage tool format one log directory. It takes two seconds of
// Java; a broker gets a copy in which only the ids differ.
func (d *distribution) format() error {
	config := filepath.Join(d.dir, "format.properties")
	node := properties{
		"process.roles":             "broker,controller",
		"node.id":                   "1",
		"controller.quorum.voters":  "1@127.0.0.1:1",
		"listeners":                 "PLAINTEXT://127.0.0.1:2,CONTROLLER://127.0.0.1:1",
		"controller.listener.names": "CONTROLLER",
		"log.dirs":                  d.formatted(),
	}
	if err := node.write(config); err != nil {
		return err
	}
	return d.tool("kafka.tools.StorageTool", append(formatArgs(), "-c", config)...)
}

var (
	nodeLine      = regexp.MustCompile(`(?m)^node\.id=.*$`)
	directoryLine = regexp.MustCompile(`(?m)^directory\.id=.*$`)
)

// copyFormatted gives a broker its formatted log directory.
func (d *distribution) copyFormatted(to string, node int) error {
	if err := os.CopyFS(to, os.DirFS(d.formatted())); err != nil {
		return fmt.Errorf("format the log directory of broker %d: %w", node, err)
	}
	meta := filepath.Join(to, "meta.properties")
	text, err := os.ReadFile(meta)
	if err != nil {
		return fmt.Errorf("format the log directory of broker %d: %w", node, err)
	}
	text = nodeLine.ReplaceAll(text, []byte("node.id="+strconv.Itoa(node)))
	text = directoryLine.ReplaceAll(text, []byte("directory.id="+randomID()))
	return os.WriteFile(meta, text, 0o644)
}

// randomID makes an id as Kafka does: a UUID in base64 that does not begin with a dash,
// which its command line would take for an option.
func randomID() string {
	for {
		var id [16]byte
		rand.Read(id[:])
		if s := base64.RawURLEncoding.EncodeToString(id[:]); !strings.HasPrefix(s, "-") {
			return s
		}
	}
}
