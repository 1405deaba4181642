package facts

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"

	"gantry/workload"
)

const skeletonHead = `# What Kafka cannot know of the services it feeds. Take away the # before what you know;
# what stays a comment is assumed, and the report marks it so. Give the file back with
#   gantry assess … --facts services.yaml

platform:
  # eks: true               # there is a cluster of EKS (else containers go to ECS)
  # eksServices: 10         # services that share it
  # roundTrip: 20ms         # between AWS and what stays here
  # vpc: true               # functions run in a VPC
  # utilisation: 0.7        # of containers at the peak

services:
`

const skeletonService = `    # memory: %dMB             # a process needs; more than 10240MB rules a function out
    # cpu: %g                 # vCPU of a container
    # perRecord: %s          # from getting a record to being done with it
    # perInvocation: 20ms     # of a batch, beside its records
    # longestRecord: 30s      # one record, at worst; more than 15m rules a function out
    # batch: 100              # records an invocation
    # window: 500ms           # a batch waits for more records
    # parallel: 1             # records that one process works on at once
    # minTasks: %d             # containers that always run
    # disk: 512MB             # local files
    # database: here          # here, aws or none
    # databaseTrips: 2        # round trips to it, per record
    # state: false            # it remembers something from one record to the next, in memory or on disk
    # exactlyOnce: false      # it reads, processes and writes in Kafka transactions
    # sockets: false          # it holds connections open for others: WebSockets, subscriptions, servers
    # errorControls: false    # bounded retries, bisect and partial failures in AWS: bought with provisioned pollers
    # writes: []              # topics it writes: they decide the order of moving
`

// Skeleton writes the file that asks for the facts of a survey's groups.
func Skeleton(s workload.Survey, of func(workload.Group) workload.Facts) []byte {
	var b bytes.Buffer
	b.WriteString(skeletonHead)
	for _, g := range s.Groups {
		f := of(g)
		fmt.Fprintf(&b, "  %s: # %s; reads %s\n", quoted(g.ID), g.Class, readable(g.Topics))
		fmt.Fprintf(&b, skeletonService, f.MemoryMB.Value, f.CPU.Value, f.PerRecord.Value, f.MinTasks.Value)
	}
	return b.Bytes()
}

// quoted writes a name so that YAML reads the same name: group names may hold anything.
func quoted(name string) string {
	text, err := yaml.Marshal(name)
	if got := strings.TrimSpace(string(text)); err == nil && !strings.ContainsAny(got, "\n:#") && got != "" {
		return got
	}
	return fmt.Sprintf("%q", name)
}

func readable(topics []string) string {
	if len(topics) == 0 {
		return "nothing"
	}
	const most = 5
	text := strings.Join(topics[:min(len(topics), most)], ", ")
	if more := len(topics) - most; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return strings.ReplaceAll(text, "\n", " ")
}
