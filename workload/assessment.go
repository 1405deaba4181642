package workload

import "time"

// Assessment is what follows from a survey: for every service a verdict with its rules and
// its price, and the order of moving. It changes nothing and holds no secrets.
type Assessment struct {
	Cluster  string         `json:"cluster"`
	Made     time.Time      `json:"made"`
	Began    time.Time      `json:"began"` // of the survey
	Ended    time.Time      `json:"ended"`
	Quick    bool           `json:"quick,omitempty"`
	Requests map[string]int `json:"requests"` // what the survey asked of the brokers
	Topics   []TopicTraffic `json:"topics"`
	Region   string         `json:"region"`
	Prices   []Price        `json:"prices"`
	Platform Platform       `json:"platform"`
	Services []Service      `json:"services"` // those to move first, first
	Feeds    []Feed         `json:"feeds"`
	Waves    []Wave         `json:"waves"`
	First    *First         `json:"first"`                      // nil = nothing can be moved
	Strays   []Deployment   `json:"otherDeployments,omitempty"` // of the manifests, that belong to no group
	Caveats  []string       `json:"caveats,omitempty"`
}

// TopicTraffic is a topic in the numbers that decide, and who reads it.
type TopicTraffic struct {
	Name          string        `json:"name"`
	Internal      bool          `json:"internal,omitempty"`
	Replicas      int           `json:"replicas"`
	Compacted     bool          `json:"compacted,omitempty"`
	Transactional bool          `json:"transactional,omitempty"`
	Retention     time.Duration `json:"retentionNs"` // -1 = for ever
	DiskBytes     int64         `json:"diskBytes,omitempty"`
	Writers       int           `json:"activeWriters,omitempty"`
	Compression   string        `json:"compression,omitempty"`
	Headers       []string      `json:"headerNames,omitempty"`
	Readers       []string      `json:"readers"`
	WrittenBy     []string      `json:"writtenBy,omitempty"` // services that say so, or whose manifests do
	Traffic       Traffic       `json:"traffic"`
}

// Price is one line of the price list.
type Price struct {
	Name   string  `json:"name" yaml:"-"`
	Price  float64 `json:"price" yaml:"price"`
	Unit   string  `json:"unit" yaml:"unit"`
	Source string  `json:"source" yaml:"source"`
	Date   string  `json:"date" yaml:"date"`
}

// Service is one consumer group and all that is concluded of it.
type Service struct {
	Group       string       `json:"group"`
	Class       Class        `json:"class"`
	Why         string       `json:"why"` // the evidence for the class
	Type        string       `json:"type"`
	State       string       `json:"state"`
	Assignor    string       `json:"assignor,omitempty"`
	Members     int          `json:"members"`
	Idlers      int          `json:"idleMembers"` // members without a partition
	Static      bool         `json:"static,omitempty"`
	Reads       []string     `json:"reads"`
	Lag         int64        `json:"lag"`
	LagTime     Duration     `json:"lagTime"`
	Lags        []Lag        `json:"lags"` // by partition, the longest first
	Commits     *Cadence     `json:"commits,omitempty"`
	Deployments []Deployment `json:"deployments,omitempty"`
	Facts       Facts        `json:"facts"`
	Traffic     Traffic      `json:"traffic"`
	Costs       Costs        `json:"costs"`
	Verdict     Verdict      `json:"verdict"`
	Wave        int          `json:"wave"` // 0 = it stays
}

// Lag is how far a group is behind in one partition.
type Lag struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Records   int64  `json:"records"`
	Committed bool   `json:"committed"` // false = the group never committed there
}

// Traffic is what a service's topics carry, in numbers that decide.
type Traffic struct {
	Rate        Series       `json:"rate"`       // records, all that the group reads
	HourOfWeek  []float64    `json:"hourOfWeek"` // 168 mean rates, Monday 00:00 UTC first; -1 = no measurement
	Days        float64      `json:"days"`       // of history
	Mean        float64      `json:"mean"`       // records per second
	Peak        float64      `json:"peak"`       // 99th percentile of the buckets
	Low         float64      `json:"low"`        // 10th percentile of the days, or of the buckets where there are few days
	High        float64      `json:"high"`       // 90th
	PeakToMean  float64      `json:"peakToMean"`
	Idle        float64      `json:"idle"` // share of buckets without a record
	LongestIdle Seconds      `json:"longestIdleS"`
	Regular     *Regular     `json:"regular,omitempty"`    // nil = too little history
	Burstiness  *float64     `json:"burstiness,omitempty"` // -1 a clock, 0 chance, 1 all at once; nil = not sampled
	Dispersion  []Dispersion `json:"dispersion,omitempty"`
	Partitions  int          `json:"partitions"`
	Active      int          `json:"activePartitions"`
	Hottest     float64      `json:"hottestPartition"` // its share of the records
	HotKey      *KeyShare    `json:"hotKey,omitempty"`
	Gini        *float64     `json:"gini,omitempty"`
	Keys        []KeyShare   `json:"keys,omitempty"` // of the topic with the most skew
	KeysOf      string       `json:"keysOf,omitempty"`
	Parallel    float64      `json:"parallel"` // no more work than this at once, on any target
	MeanBytes   float64      `json:"meanBytes"`
	MaxBytes    int          `json:"maxBytes"`
	BytesKnown  bool         `json:"bytesKnown"`
	Headroom    *float64     `json:"headroom,omitempty"` // what the service was seen to do, over the peak
	Busy        float64      `json:"busy"`               // mean records at work at once, by Little's law
	BusyPeak    float64      `json:"busyPeak"`
	Trusted     bool         `json:"trusted"` // timestamps allow rates
	Loads       []Series     `json:"-"`       // by partition
}

// Seconds is a time as JSON's readers like it.
type Seconds float64

// Regular says how much of the traffic's ups and downs the calendar explains.
type Regular struct {
	By        string  `json:"by"` // hour of week, hour of day
	Explained float64 `json:"explained"`
}

// Dispersion is the variance of counts over their mean in windows of one length: 1 at
// every length is chance, growing with the length means bursts that hang together.
type Dispersion struct {
	Window Seconds `json:"windowS"`
	Index  float64 `json:"index"`
}

// Money is a monthly amount with the interval it lies in.
type Money struct {
	Low  float64 `json:"low"`
	Mid  float64 `json:"mid"`
	High float64 `json:"high"`
}

// Item is a part of an amount.
type Item struct {
	What   string  `json:"what"`
	Amount float64 `json:"amount"`
	How    string  `json:"how"`
}

// Quote is what a service costs on one target in a month.
type Quote struct {
	Target     string `json:"target"` // lambda, fargate, eks
	Money      Money  `json:"money"`
	Items      []Item `json:"items"`
	Impossible string `json:"impossible,omitempty"` // why it can't keep up
	Strained   string `json:"strained,omitempty"`   // why it can't at the high end
}

// Costs are a service's quotes, and where they cross.
type Costs struct {
	Lambda      Quote   `json:"lambda"`
	Fargate     Quote   `json:"fargate"`
	EKS         Quote   `json:"eks"`
	Forgotten   []Item  `json:"usuallyForgotten"` // in no quote
	BreakEven   float64 `json:"breakEvenBusy"`    // mean busy Lambda sandboxes at which a task costs the same
	Busy        float64 `json:"busy"`             // mean busy sandboxes of this service
	CrossRate   float64 `json:"crossRate"`        // records per second at which the curves meet; 0 = they do not
	Curve       []Point `json:"curve"`
	Invocations float64 `json:"invocationsPerMonth"`
	BatchMean   float64 `json:"recordsPerInvocation"`
	Drain       float64 `json:"lambdaDrain"`                     // records per second that Lambda can do here
	BurstDelay  Seconds `json:"burstDelayS"`                     // until a burst is worked off, while pollers scale up
	BatchLimit  int     `json:"batchLimit"`                      // records that fit an invocation
	TaskCPU     float64 `json:"taskCPU"`                         // vCPU of a Fargate task
	TaskMemory  float64 `json:"taskMemoryGB"`                    // of a Fargate task
	Tasks       int     `json:"tasks"`                           // that run all the time
	Extra       Seconds `json:"extraPerRecordS"`                 // what round trips to a database that stays add to a record in AWS
	Far         *Quote  `json:"lambdaFarFromDatabase,omitempty"` // with them; the other quotes hold once it has moved
}

// Point is one place on the cost curves of a service whose traffic grows or shrinks and
// keeps its shape.
type Point struct {
	Rate    float64 `json:"rate"`
	Lambda  float64 `json:"lambda"` // -1 = can't keep up
	Fargate float64 `json:"fargate"`
	EKS     float64 `json:"eks"`
}

// Answer is what became of a rule.
type Answer string

// The answers.
const (
	Fired   Answer = "fired"
	Silent  Answer = "not fired"
	Unasked Answer = "not known" // what the rule needs was neither measured nor given
)

// RuleKind says what a rule may do.
type RuleKind string

// The kinds, in the order they are asked.
const (
	OfClass RuleKind = "class"      // decides for everything but plain consumers
	Veto    RuleKind = "veto"       // rules a function out
	Economy RuleKind = "economy"    // chooses between what is left
	Place   RuleKind = "place"      // says where and how
	Caution RuleKind = "to look at" // decides nothing
)

// Rule is one rule with what it saw.
type Rule struct {
	Name   string   `json:"name"`
	Kind   RuleKind `json:"kind"`
	Answer Answer   `json:"answer"`
	Toward string   `json:"toward,omitempty"` // where it points when it fires
	Saw    string   `json:"saw"`              // its numbers
}

// Target is where a service should go.
type Target string

// The targets.
const (
	ToFunction  Target = "function"
	ToContainer Target = "container"
	ToStay      Target = "stay"
)

// Verdict is what should become of a service.
type Verdict struct {
	Target     Target     `json:"target"`
	On         string     `json:"on"` // AWS Lambda, ECS, EKS, here, …
	Reason     string     `json:"reason"`
	Rules      []Rule     `json:"rules"`
	Open       []string   `json:"open,omitempty"` // what must be answered before it is moved
	Confidence Confidence `json:"confidence"`
	Cost       Money      `json:"cost"`            // a month on what was chosen; zero where it stays
	Later      bool       `json:"later,omitempty"` // the cost begins when the database has moved
	CloseCall  bool       `json:"closeCall,omitempty"`
}

// Confidence says how far a verdict can be trusted, and why.
type Confidence struct {
	Grade    string   `json:"grade"` // high, medium, low
	Days     float64  `json:"days"`
	Measured int      `json:"measured"` // inputs that were measured, read or given
	Inputs   int      `json:"inputs"`
	Why      []string `json:"why"`
}

// Feed says that one service writes what another reads.
type Feed struct {
	From  string `json:"from"`
	To    string `json:"to"`
	Topic string `json:"topic"`
	Known Origin `json:"known"`
}

// Wave is a step of moving: units that depend on nothing that moves later.
type Wave struct {
	Number int    `json:"number"`
	Units  []Unit `json:"units"`
}

// Unit is one service, or several that feed each other in a circle and move together.
type Unit struct {
	Services []string `json:"services"`
	After    []string `json:"after,omitempty"` // services that move before
	Cost     Money    `json:"cost"`
}

// First is the service to begin with.
type First struct {
	Service string   `json:"service"`
	Why     []string `json:"why"`
	But     []string `json:"but,omitempty"` // what to see to before
	Next    string   `json:"next,omitempty"`
}
