package workload

import "time"

// Origin says where a fact comes from.
type Origin string

// The origins. All but the last two count as measured.
const (
	Given    Origin = "given"    // in the facts file
	Manifest Origin = "manifest" // read in a compose file or a Kubernetes manifest
	Measured Origin = "measured"
	Assumed  Origin = "assumed"
	NotKnown Origin = "not known"
)

// Fact is a value and where it comes from.
type Fact[T any] struct {
	Value T      `json:"value"`
	From  Origin `json:"from"`
	Why   string `json:"why,omitempty"`
}

// Known says whether somebody measured, read or gave the value.
func (f Fact[T]) Known() bool { return f.From != Assumed && f.From != NotKnown && f.From != "" }

// Facts are what must be known of a service beside what Kafka shows.
type Facts struct {
	MemoryMB      Fact[int]           `json:"memoryMB"`
	CPU           Fact[float64]       `json:"cpu"` // vCPU of a container
	PerInvocation Fact[time.Duration] `json:"perInvocationNs"`
	PerRecord     Fact[time.Duration] `json:"perRecordNs"`
	Longest       Fact[time.Duration] `json:"longestNs"` // one record, at worst
	Batch         Fact[int]           `json:"batch"`
	Window        Fact[time.Duration] `json:"windowNs"`
	Parallel      Fact[float64]       `json:"parallel"` // records one container works on at once
	MinTasks      Fact[int]           `json:"minTasks"`
	DiskMB        Fact[int]           `json:"diskMB"`
	Trips         Fact[float64]       `json:"databaseTrips"` // round trips to a database, per record
	Database      Fact[string]        `json:"database"`      // here, aws, none
	State         Fact[bool]          `json:"state"`         // kept between records
	ExactlyOnce   Fact[bool]          `json:"exactlyOnce"`   // read-process-write in transactions
	Sockets       Fact[bool]          `json:"sockets"`       // held open for others
	ErrorControls Fact[bool]          `json:"errorControls"` // retries, bisect, partial failures: provisioned pollers
	Writes        Fact[[]string]      `json:"writes"`        // topics
}

// Platform is what holds for all services.
type Platform struct {
	EKS         Fact[bool]          `json:"eks"`         // there is a cluster
	EKSShare    Fact[int]           `json:"eksServices"` // services that share one
	RoundTrip   Fact[time.Duration] `json:"roundTripNs"` // between AWS and what stays
	VPC         Fact[bool]          `json:"vpc"`         // functions run in a VPC
	Utilisation Fact[float64]       `json:"utilisation"` // of containers at the peak
}

// Deployment is what a manifest says of a container.
type Deployment struct {
	Name     string            `json:"name"`
	Kind     string            `json:"kind"` // compose service, Deployment, StatefulSet, …
	File     string            `json:"file"`
	Image    string            `json:"image,omitempty"`
	Replicas int               `json:"replicas"` // -1 = not said
	MemoryMB int               `json:"memoryMB,omitempty"`
	CPU      float64           `json:"cpu,omitempty"`
	Grace    time.Duration     `json:"graceNs,omitempty"` // between the signal to stop and the kill
	Groups   []string          `json:"groups,omitempty"`
	Topics   []string          `json:"topics,omitempty"` // named in its environment
	State    string            `json:"state,omitempty"`  // what looks like state: volumes, StatefulSet
	Env      map[string]string `json:"env,omitempty"`    // secrets masked
	Notes    []string          `json:"notes,omitempty"`  // what could not be read
}
