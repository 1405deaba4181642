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
