package simulation

import (
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"gantry/internal/rig"
)

// step lets one thing happen.
func (w *world) step() {
	steps := []struct {
		name string
		do   func()
	}{
		{"records", func() { w.produce(8) }},
		{"records", func() { w.produce(30) }},
		{"records", func() { w.produce(8) }},
		{"the function's mood changes", w.changeMood},
		{"the function's mood changes", w.changeMood},
		{"commits fail", w.failCommits},
		{"fetches fail", w.failFetches},
		{"dead letters are refused", w.failLetters},
		{"connections drop", w.drop},
		{"a cable is cut for a while", w.cut},
		{"brokers are slow", w.slow},
		{"answers of commits are lost", w.loseAnswers},
		{"what is answered is refused", w.failAnswers},
		{"ends of transactions are lost", w.loseEnds},
		{"a rebalance", w.rejoin},
		{"members are expelled", w.expel},
		{"the first process comes or goes", func() { w.toggle(first) }},
		{"the second process comes or goes", func() { w.toggle(second) }},
		{"the second process comes or goes", func() { w.toggle(second) }},
		{"the settings change", w.change},
		{"the lanes change", w.changeLanes},
	}
	if len(w.fan) > 2 {
		steps = append(steps, steps[0], steps[0])
		steps[len(steps)-1].name, steps[len(steps)-1].do = "a function comes or goes", w.toggleFunction
	}
	s := steps[w.draw.IntN(len(steps))]
	w.t.Logf("%s %s", time.Now().Format(time.TimeOnly), s.name)
	s.do()
}

func (w *world) failCommits() {
	errs := []*kerr.Error{kerr.RebalanceInProgress, kerr.CoordinatorNotAvailable, kerr.RequestTimedOut, kerr.UnknownServerError, kerr.NotCoordinator}
	h := w.r.Fake.FailCommits(rig.Group, 1+w.draw.IntN(5), errs[w.draw.IntN(len(errs))])
	w.undo = append(w.undo, h.Remove)
}

func (w *world) failFetches() {
	errs := []*kerr.Error{kerr.UnknownServerError, kerr.NotLeaderForPartition, kerr.TopicAuthorizationFailed, kerr.KafkaStorageError}
	h := w.r.Fake.FailFetches(rig.Topic, 1+w.draw.IntN(5), errs[w.draw.IntN(len(errs))])
	w.undo = append(w.undo, h.Remove)
}

func (w *world) failLetters() {
	h := w.r.Fake.FailProduces(deadLetters, 1+w.draw.IntN(5), kerr.InvalidRecord)
	w.undo = append(w.undo, h.Remove)
}

func (w *world) drop() {
	for _, p := range w.running {
		p.Host.Drop()
	}
}

// cut takes the cable out, sometimes for longer than the session.
func (w *world) cut() {
	for _, name := range []string{first, second} {
		p := w.running[name]
		if p == nil || w.draw.IntN(2) == 0 {
			continue
		}
		w.upheaval++
		p.Host.Cut()
		w.pass(20 * time.Second)
		p.Host.Heal()
	}
}

func (w *world) slow() {
	keys := []kmsg.Key{kmsg.Fetch, kmsg.OffsetCommit, kmsg.Produce}
	most := 2000
	if w.m.Transactional() { // so that a member may be another one before its transaction ends
		keys = append(keys, kmsg.Produce, kmsg.TxnOffsetCommit, kmsg.TxnOffsetCommit)
		most = 9000
	}
	end := w.r.Fake.Slow(keys[w.draw.IntN(len(keys))], time.Duration(w.draw.IntN(most))*time.Millisecond)
	w.undo = append(w.undo, end)
}

func (w *world) loseAnswers() {
	w.upheaval++
	w.r.Fake.LoseAnswers(kmsg.OffsetCommit, 1)
}

func (w *world) rejoin() {
	if g := w.r.Fake.GroupInfo(rig.Group); g != nil && len(g.Members) > 0 {
		w.upheaval++
		w.r.Fake.Rejoin(w.t, rig.Group)
	}
}

func (w *world) expel() {
	if g := w.r.Fake.GroupInfo(rig.Group); g != nil && len(g.Members) > 0 {
		w.upheaval++
		w.r.Fake.Expel(w.t, rig.Group)
	}
}

// toggle starts a process, stops it in good order, or kills it.
func (w *world) toggle(name string) {
	p := w.running[name]
	if p == nil {
		w.start(name)
		return
	}
	w.upheaval++
	delete(w.running, name)
	if w.draw.IntN(2) == 0 {
		p.Kill()
		return
	}
	if err := p.Stop(); err != nil {
		w.t.Logf("stop %s: %v", name, err)
	}
}

// change gives what runs another batch size, as its owner might.
func (w *world) change() {
	w.m.BatchSize = []int{1, 3, 10, 100}[w.draw.IntN(4)]
	for _, p := range w.running {
		p.Change(w.m)
	}
}

// changeLanes gives what runs other lanes. The witness asks for the weakest order so far.
func (w *world) changeLanes() {
	w.m.Lanes = w.drawLanes()
	for _, p := range w.running {
		p.Change(w.m)
	}
}
