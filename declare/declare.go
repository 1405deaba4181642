// Package declare reads the configuration file: what an owner declares in YAML, the
// functions and mappings as values of the vocabulary, the rest as the configuration of
// the package it belongs to. And it makes a store agree with a file (apply.go).
//
// Every fault of a file is found in one pass, each with its line: unknown keys, wrong
// types, numbers out of range, names that are not there. A file with a fault changes
// nothing. AWS's member names are accepted beside gantry's own, in AWS's units.
package declare

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"gantry/cloud"
	"gantry/function"
	"gantry/kafka"
	"gantry/mapping"
	"gantry/network"
	"gantry/schema"
	"gantry/secret"
	"gantry/telemetry/mask"
)

// File is a configuration file. Members left out have the zero value; who uses them
// knows the default.
type File struct {
	Name         string // base name: functions and mappings remember which file declares them
	Listen       string
	DataDir      string
	Region       string
	AccountID    string
	AllowHosts   []string
	Keys         []Key
	TLS          *TLS   // nil = none
	StoreKey     string // reference; "" = the data directory's own
	Masking      mask.Config
	Clusters     map[string]kafka.Config
	Registries   map[string]schema.Config // by the name of the cluster
	Secrets      secret.Config
	Networks     map[string]network.Config
	AWS          cloud.Config
	Roles        cloud.Roles
	Interpreters map[string]string
	User         string // USER or USER:GROUP that functions run as where they name none
	Telemetry    Telemetry
	Functions    []function.Function
	Mappings     []mapping.Mapping

	name  string         // of the file
	lines map[string]int // of its mappings: what only a store can tell is a fault of a line too
}

// Key is one pair of `keys:`. Secret is a reference. Where
// it speaks for a function it has no role.
type Key struct{ ID, Secret, Role, Function string }

// TLS is what the API is served with. All are references.
type TLS struct{ Cert, Key, ClientCA string }

// Fault is one thing wrong with a file.
type Fault struct {
	Line int
	Path string // where in the file: mappings.orders.batchSize
	Text string
}

// Faults are all that is wrong with a file. It is an error.
type Faults struct {
	File string
	List []Fault
}

func (f *Faults) Error() string {
	var b strings.Builder
	for i, fault := range f.List {
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "%s:%d: ", f.File, fault.Line)
		if fault.Path != "" {
			b.WriteString(fault.Path + ": ")
		}
		b.WriteString(fault.Text)
	}
	return b.String()
}

// Identity is what names and relative paths in a file are relative to.
type Identity struct {
	Name      string // of the file, for faults
	Dir       string // of the file: folders, file: references
	Region    string // where the file does not say it
	AccountID string
	Clusters  map[string]kafka.Config // those of gantry, beside the file's own
	Networks  map[string]network.Config
	// AnyCluster leaves the check of names of clusters and networks to the one who knows
	// them.
	AnyCluster bool
	// Integration says what is wrong with a ready-made function, all of it at once, each
	// line with the member it is about (settings.bucket: …); nil = nothing is checked here.
	Integration func(name string, settings map[string]string) error
	// Client reads a Java client's file (kafka.FromProperties); nil = such files are not
	// read here, because somebody else reaches the clusters.
	Client func(path string) (kafka.Config, error)
}

// The defaults of a file.
const (
	DefaultListen    = "127.0.0.1:9400"
	DefaultDataDir   = "./gantry-data"
	DefaultRegion    = "us-east-1"
	DefaultAccountID = "000000000000"
)

// Parse reads a file whole. Its error is *Faults.
func Parse(text []byte, id Identity) (*File, error) {
	r := &reader{id: id, file: &File{
		Name: filepath.Base(id.Name), Clusters: map[string]kafka.Config{}, Networks: map[string]network.Config{}, Roles: cloud.Roles{},
		Registries: map[string]schema.Config{}, Interpreters: map[string]string{}, name: id.Name, lines: map[string]int{},
	}}
	maps.Copy(r.file.Clusters, id.Clusters)
	maps.Copy(r.file.Networks, id.Networks)
	tree, err := parser.ParseBytes(text, 0)
	if err != nil {
		return nil, &Faults{File: id.Name, List: []Fault{syntax(err)}}
	}
	for _, doc := range tree.Docs {
		if doc.Body != nil {
			r.document(doc.Body)
		}
	}
	r.defaults()
	r.crossCheck()
	r.checkNetworks()
	if len(r.faults) > 0 {
		slices.SortStableFunc(r.faults, func(a, b Fault) int { return cmp.Compare(a.Line, b.Line) })
		return nil, &Faults{File: id.Name, List: r.faults}
	}
	return r.file, nil
}

// syntax is a file that is no YAML: there is one fault, the first.
func syntax(err error) Fault {
	text, line := err.Error(), 1
	var positioned interface{ GetMessage() string }
	if errors.As(err, &positioned) {
		_, _ = fmt.Sscanf(text, "[%d:", &line)
		text = positioned.GetMessage()
	}
	return Fault{Line: line, Text: "not valid YAML: " + text}
}

// document reads the top of a file.
func (r *reader) document(n ast.Node) {
	f := r.file
	var functions, mappings ast.Node
	r.object(n, "", members{
		"listen":       r.text(&f.Listen),
		"dataDir":      r.text(&f.DataDir),
		"region":       r.identity(&f.Region, r.id.Region),
		"accountId":    r.identity(&f.AccountID, r.id.AccountID),
		"allowHosts":   r.texts(&f.AllowHosts),
		"keys":         r.list(func(n ast.Node, path string) { r.key(n, path) }),
		"clusters":     r.each(r.cluster),
		"secrets":      r.list(r.secretRule),
		"aws":          r.aws,
		"roles":        r.each(r.role),
		"interpreters": r.textMap(f.Interpreters),
		"user":         r.text(&f.User),
		"telemetry":    r.telemetry,
		"functions":    func(n ast.Node, _ string) { functions = n },
		"mappings":     func(n ast.Node, _ string) { mappings = n },
		"store":        r.store,
		"networks":     r.each(r.network),
		"tls":          r.tls,
		"masking":      r.list(r.maskingRule),
	})
	r.defaults()
	if functions != nil {
		r.each(r.function)(functions, "functions")
	}
	if mappings != nil {
		r.each(r.mapping)(mappings, "mappings")
	}
}

// identity is a part of every ARN and of every declared mapping's UUID: a file that is
// applied to a gantry of another region would share nothing with the one it serves.
func (r *reader) identity(to *string, own string) read {
	return func(n ast.Node, path string) {
		r.text(to)(n, path)
		if own != "" && *to != "" && *to != own {
			r.fault(n, path, "is %q, and the gantry it is applied to has %q; leave it out, or change it in the file that gantry serve reads", *to, own)
		}
	}
}

// defaults are what mappings need to have a name; an empty file has them too.
func (r *reader) defaults() {
	f := r.file
	f.Region = cmp.Or(f.Region, r.id.Region, DefaultRegion)
	f.AccountID = cmp.Or(f.AccountID, r.id.AccountID, DefaultAccountID)
}

// store: embedded is the only one there is.
func (r *reader) store(n ast.Node, path string) {
	var kind string
	r.object(n, path, members{"kind": r.text(&kind), "key": r.ref(&r.file.StoreKey), "cluster": r.later, "topic": r.later})
	if kind != "" && kind != "embedded" {
		r.fault(n, path, "kind %q is not supported yet; leave the section out for the embedded store", kind)
	}
}

func (r *reader) key(n ast.Node, path string) {
	var k Key
	r.object(n, path, members{
		"id": r.text(&k.ID), "secret": r.text(&k.Secret), "role": r.oneOf(&k.Role, "viewer", "operator", "admin"), "function": r.text(&k.Function),
	})
	r.keyFunction(n, path, k)
	if k.Function == "" {
		k.Role = cmp.Or(k.Role, "admin")
	}
	if k.ID == "" || k.Secret == "" {
		r.fault(n, path, "want id and secret (a reference such as env:GANTRY_SECRET)")
	}
	r.file.Keys = append(r.file.Keys, k)
}
