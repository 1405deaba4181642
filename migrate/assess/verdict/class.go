package verdict

import "gantry/workload"

// consequence is what becomes of a class that is no plain consumer, and why.
type consequence struct {
	target workload.Target
	why    string
}

func consequences() map[workload.Class]consequence {
	stay, container := workload.ToStay, workload.ToContainer
	return map[workload.Class]consequence{
		workload.Streams: {container, "Kafka Streams keeps state between records and commits its input with its output: it moves as the program it is, with its internal topics, never record by record to a function"},
		workload.Connect: {stay, "it belongs to Kafka Connect: it moves with its workers (MSK Connect), or a ready-made integration of gantry takes over what its connector did"},
		workload.Share:   {stay, "a share group hands out single records and has no offsets to take over: neither an event source mapping nor a cutover can follow it"},
		workload.Manual:  {container, "its partitions are assigned by hand, so nothing can be joined or fenced: whoever runs it must stop it, and it moves as it is"},
		workload.Outside: {stay, "it keeps its offsets outside Kafka (Flink, a database): only it knows where it stands"},
		workload.Idle:    {stay, "nobody reads by this group and its commits do not move: ask whether it is still needed, there is nothing to move"},
	}
}

// classRule lets plain consumers through to the other rules; only they may be shadowed,
// joined and fenced.
func classRule() rule {
	return rule{name: "something else than a plain consumer", kind: workload.OfClass, ask: func(c Case) finding {
		if c.Class == workload.Plain {
			return silent("it is a plain consumer: it may be shadowed, joined and fenced")
		}
		if to, known := consequences()[c.Class]; known {
			return fired(string(to.target), "%s", to.why)
		}
		return fired(string(workload.ToStay), "the survey could not tell what reads by this group: find out before anything is moved")
	}}
}
