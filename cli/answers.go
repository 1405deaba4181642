package cli

import (
	"strconv"
	"time"
)

// The answers of the admin API as the commands read them. They are declared here and
// not shared: what a command needs of an answer is its own affair.
type mappingLine struct {
	UUID         string    `json:"uuid"`
	Name         string    `json:"name"`
	Function     string    `json:"function"`
	Topics       []string  `json:"topics"`
	Group        string    `json:"group"`
	State        string    `json:"state"`
	Reason       string    `json:"reason"`
	Result       string    `json:"result"`
	Detail       string    `json:"detail"`
	Waiting      int       `json:"waiting"`
	InFlight     int       `json:"inFlight"`
	Blocked      int       `json:"blocked"`
	Lag          *int64    `json:"lag"`
	Polled       int64     `json:"polled"`
	Committed    int64     `json:"committed"`
	DeadLetters  int64     `json:"deadLetters"`
	Declared     bool      `json:"declared"`
	HandedOver   string    `json:"handedOver"`
	LastModified time.Time `json:"lastModified"`
}

// called is the mapping's name, or its UUID where it has none.
func (m mappingLine) called() string {
	if m.Name != "" {
		return m.Name
	}
	return m.UUID
}

// behind is the lag, or a dash where nobody knows it.
func (m mappingLine) behind() string {
	if m.Lag == nil {
		return "-"
	}
	return strconv.FormatInt(*m.Lag, 10)
}

type partitionLine struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Start     int64  `json:"start"`
	End       int64  `json:"end"`
	Committed int64  `json:"committed"`
	Lag       int64  `json:"lag"`
	Here      bool   `json:"here"`
	Resume    int64  `json:"resume"`
	Tail      int64  `json:"tail"`
	InFlight  bool   `json:"inFlight"`
}

type offsets struct {
	UUID       string          `json:"uuid"`
	Group      string          `json:"group"`
	Partitions []partitionLine `json:"partitions"`
}
