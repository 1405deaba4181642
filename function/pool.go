package function

// PoolStats is what the processes of a function are doing and have done. The counters
// begin anew when the function is replaced.
type PoolStats struct {
	Processes   int    // alive, including those starting
	Busy        int    // handed an event, or starting
	Waiting     int    // callers that wait for a process
	ColdStarts  uint64 // processes that reached their first request for an event
	Crashes     uint64 // processes that ended by themselves, or were killed for their memory
	MemoryKills uint64 // those of them that used more memory than the function may
	Timeouts    uint64 // invocations that took longer than the function may
	InitFailure uint64 // processes that never reached their first request for an event
	Memory      int64  // bytes the living processes hold for themselves now; 0 where the system does not tell
}

// Plus adds two pools of one function up; nil stands for none.
func (p *PoolStats) Plus(q *PoolStats) *PoolStats {
	if p == nil || q == nil {
		if p == nil {
			return q
		}
		return p
	}
	return &PoolStats{
		Processes: p.Processes + q.Processes, Busy: p.Busy + q.Busy, Waiting: p.Waiting + q.Waiting,
		ColdStarts: p.ColdStarts + q.ColdStarts, Crashes: p.Crashes + q.Crashes, MemoryKills: p.MemoryKills + q.MemoryKills,
		Timeouts: p.Timeouts + q.Timeouts, InitFailure: p.InitFailure + q.InitFailure, Memory: p.Memory + q.Memory,
	}
}
