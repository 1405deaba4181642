// Package function holds the words for what is invoked: a function as it is declared,
// one invocation of it, and what became of that invocation. It imports the standard
// library only.
package function

import (
	"regexp"
	"time"
)

// Kind says where a function runs.
type Kind string

// The places a function can run.
const (
	Process   Kind = "process"   // a child process here, speaking Lambda's Runtime API
	Lambda    Kind = "lambda"    // a function in AWS, reached by its ARN
	HTTP      Kind = "http"      // a service that takes the event as a POST body
	InProcess Kind = "inprocess" // Go code inside gantry: a ready-made integration
)

// Limits of AWS Lambda that gantry keeps (Developer Guide, gettingstarted-limits and
// with-kafka-configure).
const (
	MaxTimeout         = 14 * time.Minute // a function behind a Kafka mapping
	MaxAPITimeout      = 15 * time.Minute // what CreateFunction accepts
	DefaultTimeout     = 3 * time.Second
	DefaultMemory      = 128   // MB
	MaxMemory          = 10240 // MB
	MaxPayload         = 6_291_456
	MaxAnswer          = 6_291_556
	MaxEnvironment     = 4096 // bytes of all names and values together
	LogTailBytes       = 4096
	InitTimeout        = 10 * time.Second
	LatestVersion      = "$LATEST"
	MaxFunctionNameLen = 64
)

// Function is a function as its owner declared it.
type Function struct {
	Name        string
	Description string
	Kind        Kind

	Runtime     string            // Lambda's identifier (python3.12, provided.al2023, …); Process only
	Handler     string            // as the runtime reads it; Process only
	Code        Code              // Process only
	Role        string            // IAM role ARN, stored; what it grants is decided by the roles table
	Timeout     time.Duration     // 1 s to MaxAPITimeout
	Memory      int               // MB
	Environment map[string]string // plain values
	Secrets     map[string]string // variable → reference to a secret, never its content; Process only
	User        string            // operating system user the processes run as, USER or USER:GROUP; Process only

	Produce *Produce // what it may write to Kafka in the middle of its work; nil = nothing

	ARN         string            // Lambda only: the qualified ARN in AWS
	URL         string            // HTTP only
	Networks    []string          // HTTP and Lambda only: entries of networks: it is reached through
	Integration string            // InProcess only: the name in the catalogue
	Settings    map[string]string // InProcess only

	Processes   int  // Process only: largest number of processes; 0 = 2 × cores
	Concurrency *int // reserved concurrency; nil = unreserved, 0 = never invoked

	Async *Asynchronous `json:",omitempty"` // nil = AWS's defaults

	Architectures []string
	Tags          map[string]string
	Policy        []Permission // stored and shown, in the order it was given
	RevisionID    string
	LastModified  time.Time
	Declared      bool   // comes from a file (gantry apply or serve -c), not from the API
	File          string // the file's base name
}

// Asynchronous is what becomes of invocations that nobody waits for: AWS's
// EventInvokeConfig.
type Asynchronous struct {
	Retries      *int          `json:",omitempty"` // after the function failed, 0 to 2; nil = 2
	MaxAge       time.Duration `json:",omitempty"` // 60 s to 6 h; 0 = 6 h
	OnSuccess    string        `json:",omitempty"` // kafka://CLUSTER/TOPIC; "" = nothing
	OnFailure    string        `json:",omitempty"`
	LastModified time.Time
}

// Permission is one statement of a function's resource policy, in the members of AWS's
// AddPermission.
type Permission struct {
	StatementID           string
	Action                string
	Principal             string
	SourceARN             string `json:",omitempty"`
	SourceAccount         string `json:",omitempty"`
	EventSourceToken      string `json:",omitempty"`
	PrincipalOrgID        string `json:",omitempty"`
	FunctionURLAuthType   string `json:",omitempty"`
	InvokedViaFunctionURL bool   `json:",omitempty"`
}

// Code names a function's deployment package in the code store, or a plain folder.
type Code struct {
	SHA256 string // base64, as AWS shows it; empty when Dir is set
	Size   int64  // bytes of the zip
	Dir    string // a folder used as it is (YAML's code: ./dir); empty when uploaded
}

// NamePattern is what AWS accepts as a bare function name.
var NamePattern = regexp.MustCompile(`^[a-zA-Z0-9-_]{1,64}$`)
