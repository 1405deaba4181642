// Package simulation runs the whole pipeline (poller, lanes, functions, dead letters,
// commits) on the in-memory cluster while faults drawn from a seed happen to it, on a
// bubble's clock. A seed is a run: the same seed draws the same mapping, the same records
// and the same plan of faults.
//
// What must hold, whatever happens: no commit passes an unresolved record; every record
// succeeds, is filtered out, is dead-lettered or is given up by the owner's choice; the
// records of a partition, with several lanes those of a key, are handed over and succeed in
// order, in one event at a time; with several lanes nothing is handed over beyond the bound
// of the uncommitted span; a record succeeds again only if a member came or went in between;
// every goroutine ends. With several functions all of that holds for each of them and the
// records its filters keep: also for those that stay while another comes or goes. Where answers are records, no commit passes a record whose answers
// are not written or not in the same transaction, and a reader of committed records finds
// those of every settled record in order per key: at least once, or in transactions exactly
// once, each record's answers or its dead letter.
package simulation
