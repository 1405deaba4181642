package admin

import (
	"net/url"
	"time"

	"gantry/engine"
	"gantry/function"
)

// functionView is a function as its owner declared it, under the names that a file has
// for its members.
type functionView struct {
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
	Kind        string `json:"kind"` // where it runs: process, lambda, http, inprocess
	Declared    bool   `json:"declared"`

	Runtime     string            `json:"runtime,omitempty"`
	Handler     string            `json:"handler,omitempty"`
	Code        *codeView         `json:"code,omitempty"`
	ARN         string            `json:"arn,omitempty"`
	HTTP        string            `json:"http,omitempty"`
	Integration string            `json:"integration,omitempty"`
	Settings    map[string]string `json:"settings,omitempty"`

	Role        string            `json:"role,omitempty"`
	Timeout     string            `json:"timeout"`
	Memory      int               `json:"memory,omitempty"` // MB
	Environment map[string]string `json:"environment,omitempty"`
	Secrets     map[string]string `json:"secrets,omitempty"` // references
	User        string            `json:"user,omitempty"`
	Produce     *produceView      `json:"produce,omitempty"` // what it may write in the middle of its work
	Processes   int               `json:"processes,omitempty"`
	Concurrency *int              `json:"concurrency,omitempty"`

	Tags         map[string]string `json:"tags,omitempty"`
	RevisionID   string            `json:"revisionId,omitempty"`
	LastModified *time.Time        `json:"lastModified,omitempty"`
	Notes        []string          `json:"notes,omitempty"` // how it runs here

	Use *useView `json:"use,omitempty"` // absent until it is used here
}

// produceView is what a function may write to Kafka in the middle of its work.
type produceView struct {
	Cluster string   `json:"cluster"`
	Topics  []string `json:"topics"`
}

// useView is what this process does with a function; the counts are since it began to.
type useView struct {
	Busy        int       `json:"busy"` // invocations running now
	Invocations int64     `json:"invocations"`
	Errors      int64     `json:"errors"`
	Throttles   int64     `json:"throttles"`
	Unreached   int64     `json:"unreached"`
	Pool        *poolView `json:"pool,omitempty"`
}

// poolView is about the processes of a function that runs here.
type poolView struct {
	Processes    int    `json:"processes"`
	Busy         int    `json:"busy"`
	Waiting      int    `json:"waiting"` // calls that wait for a process
	MemoryBytes  int64  `json:"memoryBytes"`
	ColdStarts   uint64 `json:"coldStarts"`
	Crashes      uint64 `json:"crashes"`
	MemoryKills  uint64 `json:"memoryKills"`
	Timeouts     uint64 `json:"timeouts"`
	InitFailures uint64 `json:"initFailures"`
}

func useOf(u engine.FunctionUse) *useView {
	c := u.Counts
	v := &useView{
		Busy: u.Busy, Invocations: c.Invocations.Load(), Errors: c.Errors.Load(), Throttles: c.Throttles.Load(), Unreached: c.Unreached.Load(),
	}
	if p := u.Pool; p != nil {
		v.Pool = &poolView{
			Processes: p.Processes, Busy: p.Busy, Waiting: p.Waiting, MemoryBytes: p.Memory, ColdStarts: p.ColdStarts,
			Crashes: p.Crashes, MemoryKills: p.MemoryKills, Timeouts: p.Timeouts, InitFailures: p.InitFailure,
		}
	}
	return v
}

// codeView says which package a function runs: an uploaded one, or a folder as it is.
type codeView struct {
	SHA256 string `json:"sha256,omitempty"`
	Size   int64  `json:"size,omitempty"`
	Dir    string `json:"dir,omitempty"`
}

// hidden stands for a value that may be a secret.
const hidden = "(hidden)"

// functionOf shows a function. Names of variables and settings are shown, their values
// are not: they may be passwords. So may be the user in an address.
func functionOf(fn function.Function) functionView {
	v := functionView{
		Name: fn.Name, Description: fn.Description, Kind: string(fn.Kind), Declared: fn.Declared,
		Runtime: fn.Runtime, Handler: fn.Handler, ARN: fn.ARN, HTTP: withoutUser(fn.URL),
		Integration: fn.Integration, Settings: masked(fn.Settings), Role: fn.Role, Timeout: fn.Timeout.String(),
		Environment: masked(fn.Environment), Secrets: fn.Secrets, User: fn.User, Processes: fn.Processes, Concurrency: fn.Concurrency,
		Tags: fn.Tags, RevisionID: fn.RevisionID, LastModified: known(fn.LastModified),
	}
	if fn.Produce != nil {
		v.Produce = &produceView{fn.Produce.Cluster, fn.Produce.Topics}
	}
	if fn.Kind == function.Process {
		v.Memory = fn.Memory
		v.Code = &codeView{fn.Code.SHA256, fn.Code.Size, fn.Code.Dir}
	}
	return v
}

func masked(values map[string]string) map[string]string {
	out := make(map[string]string, len(values))
	for name := range values {
		out[name] = hidden
	}
	return out
}

func withoutUser(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.User == nil {
		return address
	}
	u.User = url.User(hidden)
	return u.String()
}
