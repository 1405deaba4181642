package assess_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gantry/internal/surveytest"
	"gantry/migrate/assess"
	"gantry/migrate/assess/cost"
	"gantry/migrate/assess/facts"
	"gantry/workload"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func inputs(t *testing.T, text string) assess.Inputs {
	t.Helper()
	f, err := facts.Read([]byte(text), "services.yaml")
	require.NoError(t, err)
	p, err := cost.Read(cost.Default, "prices.yaml")
	require.NoError(t, err)
	return assess.Inputs{Facts: f, Prices: p, Made: surveytest.Begin().Add(29 * 24 * time.Hour)}
}

// golden holds text against a file; the diff is the review.
func golden(t *testing.T, name, text string) {
	t.Helper()
	if *update {
		require.NoError(t, os.WriteFile(name, []byte(text), 0o600))
	}
	want, err := os.ReadFile(name)
	require.NoError(t, err)
	require.Equal(t, string(want), text)
}

// TestShop judges every service of a shop and shows every rule with its numbers.
func TestShop(t *testing.T) {
	t.Parallel()
	a := assess.Make(surveytest.Shop(), inputs(t, surveytest.ShopFacts))
	golden(t, "testdata/shop.txt", told(a))
	golden(t, "testdata/unasked.txt", told(assess.Make(surveytest.Shop(), inputs(t, ""))))
	again, err := json.Marshal(assess.Make(surveytest.Shop(), inputs(t, surveytest.ShopFacts)))
	require.NoError(t, err)
	once, err := json.Marshal(a)
	require.NoError(t, err, "no number that JSON can't hold")
	require.True(t, bytes.Equal(once, again), "the same survey is judged the same, to the last digit")
}

func told(a workload.Assessment) string {
	var b strings.Builder
	if a.First != nil {
		fmt.Fprintf(&b, "FIRST %s\n  because %s\n  but %s\n\n", a.First.Service, strings.Join(a.First.Why, "\n  because "), strings.Join(a.First.But, "\n  but "))
	}
	for _, s := range a.Services {
		fmt.Fprintf(&b, "%s: %s on %s, %.2f $ (%.2f to %.2f), wave %d, confidence %s (%s)\n  %s\n", s.Group, s.Verdict.Target, s.Verdict.On,
			s.Verdict.Cost.Mid, s.Verdict.Cost.Low, s.Verdict.Cost.High, s.Wave, s.Verdict.Confidence.Grade, strings.Join(s.Verdict.Confidence.Why, ", "), s.Verdict.Reason)
		for _, r := range s.Verdict.Rules {
			if s.Class == workload.Plain || r.Answer == workload.Fired {
				fmt.Fprintf(&b, "    %-9s  %-10s  %s: %s\n", r.Answer, r.Kind, r.Name, r.Saw)
			}
		}
	}
	fmt.Fprintf(&b, "\ncaveats\n  %s\n", strings.Join(a.Caveats, "\n  "))
	return b.String()
}

// verdicts judges one topic with one group.
func one(t *testing.T, topic surveytest.Topic, group surveytest.Group, text string) workload.Service {
	t.Helper()
	topic.Name, group.Reads = "t", []string{"t"}
	if group.ID == "" {
		group.ID = "g"
	}
	a := assess.Make(surveytest.Make(28, []surveytest.Topic{topic}, []surveytest.Group{group}), inputs(t, text))
	require.Len(t, a.Services, 1)
	return a.Services[0]
}

const asked = `memory: 512MB, perInvocation: 20ms, perRecord: 5ms, longestRecord: 1s, state: false, exactlyOnce: false, sockets: false, database: none, databaseTrips: 0, writes: []`

func TestVerdicts(t *testing.T) {
	t.Parallel()
	steady := surveytest.Topic{Shape: surveytest.Steady(5), Partitions: 4}
	members := surveytest.Group{Members: 2}
	for name, c := range map[string]struct {
		topic  surveytest.Topic
		facts  string
		target workload.Target
		on     string
		reason string
	}{
		"a little":                 {steady, asked, workload.ToFunction, "AWS Lambda", "Lambda"},
		"much":                     {surveytest.Topic{Shape: surveytest.Steady(400), Partitions: 64}, strings.Replace(asked, "5ms", "40ms", 1), workload.ToContainer, "ECS", "ECS"},
		"much, with EKS":           {surveytest.Topic{Shape: surveytest.Steady(400), Partitions: 64}, strings.Replace(asked, "5ms", "40ms", 1) + "}}\nplatform: {eks: true", workload.ToContainer, "EKS", "EKS"},
		"too much in order":        {surveytest.Topic{Shape: surveytest.Steady(50), Partitions: 2}, strings.Replace(asked, "5ms", "50ms", 1), workload.ToStay, "here", "records/s"},
		"parallel inside":          {surveytest.Topic{Shape: surveytest.Steady(50), Partitions: 2}, strings.Replace(asked, "5ms", "50ms, parallel: 20", 1), workload.ToContainer, "ECS", "records/s"},
		"15 minutes":               {steady, strings.Replace(asked, "longestRecord: 1s", "longestRecord: 16m", 1), workload.ToContainer, "ECS", "16 min"},
		"memory":                   {steady, strings.Replace(asked, "512MB", "11GB", 1), workload.ToContainer, "ECS", "11264 MB"},
		"disk":                     {steady, asked + ", disk: 20GB", workload.ToContainer, "ECS", "20480 MB"},
		"state":                    {steady, strings.Replace(asked, "state: false", "state: true", 1), workload.ToContainer, "ECS", "state"},
		"exactly once":             {steady, strings.Replace(asked, "exactlyOnce: false", "exactlyOnce: true", 1), workload.ToContainer, "ECS", "transaction"},
		"sockets":                  {steady, strings.Replace(asked, "sockets: false", "sockets: true", 1), workload.ToContainer, "ECS", "connections"},
		"database here":            {steady, strings.Replace(asked, "none, databaseTrips: 0", "here, databaseTrips: 3", 1), workload.ToFunction, "gantry, here", "until the database moves"},
		"container, database here": {surveytest.Topic{Shape: surveytest.Steady(400), Partitions: 64}, strings.NewReplacer("none, databaseTrips: 0", "here, databaseTrips: 3", "5ms", "40ms").Replace(asked), workload.ToContainer, "here, then ECS", "until the database moves"},
		"database in AWS":          {steady, strings.Replace(asked, "none, databaseTrips: 0", "aws, databaseTrips: 3", 1), workload.ToFunction, "AWS Lambda", "Lambda"},
		"nothing came":             {surveytest.Topic{Shape: surveytest.Steady(0), Partitions: 4}, asked, workload.ToStay, "here", "no record came"},
		"pollers":                  {surveytest.Topic{Shape: surveytest.Steady(5), Partitions: 4}, asked + ", errorControls: true", workload.ToContainer, "ECS", "Lambda"},
	} {
		s := one(t, c.topic, members, "services: {g: {"+c.facts+closed(c.facts))
		require.Equal(t, c.target, s.Verdict.Target, "%s: %s", name, s.Verdict.Reason)
		require.Equal(t, c.on, s.Verdict.On, name)
		require.Contains(t, s.Verdict.Reason, c.reason, name)
		require.Empty(t, s.Verdict.Open, name)
	}
}

func closed(text string) string {
	if strings.Contains(text, "platform") {
		return "}"
	}
	return "}}"
}

func TestClasses(t *testing.T) {
	t.Parallel()
	for class, want := range map[workload.Class]workload.Target{
		workload.Streams: workload.ToContainer, workload.Connect: workload.ToStay, workload.Share: workload.ToStay, workload.Manual: workload.ToContainer,
		workload.Outside: workload.ToStay, workload.Idle: workload.ToStay, workload.Unknown: workload.ToStay,
	} {
		s := one(t, surveytest.Topic{Shape: surveytest.Steady(5), Partitions: 4}, surveytest.Group{Class: class, Members: 1}, "")
		require.Equal(t, want, s.Verdict.Target, class)
		require.Greater(t, len(s.Verdict.Reason), 40, "%s is told why", class)
		require.Zero(t, s.Wave, "%s is not moved by gantry", class)
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]workload.Answer{"team:orders": workload.Fired, "größe": workload.Fired, "team-orders.v2": workload.Silent} {
		s := one(t, surveytest.Topic{Shape: surveytest.Steady(5), Partitions: 4}, surveytest.Group{ID: id, Members: 1}, "")
		require.Equal(t, want, rule(s, "ECS can't scale by the lag of this name").Answer, id)
	}
}

func rule(s workload.Service, name string) workload.Rule {
	for _, r := range s.Verdict.Rules {
		if r.Name == name {
			return r
		}
	}
	return workload.Rule{}
}

func TestConfidence(t *testing.T) {
	t.Parallel()
	topic, group := surveytest.Topic{Shape: surveytest.Steady(5), Partitions: 4}, surveytest.Group{Members: 2}
	require.Equal(t, "high", one(t, topic, group, "services: {g: {"+asked+"}}").Verdict.Confidence.Grade)
	bare := one(t, topic, group, "").Verdict
	require.Equal(t, "low", bare.Confidence.Grade)
	require.Len(t, bare.Open, 5, "vetoes that nobody was asked about")
	topic.Name, group.ID, group.Reads = "t", "g", []string{"t"}
	short := surveytest.Make(2, []surveytest.Topic{topic}, []surveytest.Group{group})
	require.Equal(t, "low", assess.Make(short, inputs(t, "services: {g: {"+asked+"}}")).Services[0].Verdict.Confidence.Grade, "two days")
}

func TestEmpty(t *testing.T) {
	t.Parallel()
	a := assess.Make(workload.Survey{}, inputs(t, ""))
	require.Nil(t, a.First)
	_, err := json.Marshal(a)
	require.NoError(t, err)
}
