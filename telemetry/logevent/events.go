package logevent

import (
	"log/slog"
	"slices"
)

const (
	debug = slog.LevelDebug
	info  = slog.LevelInfo
	warn  = slog.LevelWarn
	fault = slog.LevelError
)

// Events lists every kind of line there is.
func Events() []Event {
	return slices.Concat(mappingEvents(), functionEvents(), migrationEvents(), outsideEvents(), doorEvents())
}

// mappingEvents are about mappings and their records.
func mappingEvents() []Event {
	return []Event{
		{"mapping.records_lost", fault, "records were lost at the source before they were read", []string{"mapping", "topic", "partition", "first_offset", "last_offset", "count", "reason"},
			"the partition stands until its owner accepts the loss: `gantry offsets accept-loss`"},
		{"mapping.retention_near", warn, "retention is about to remove records a lane stands on", []string{"mapping", "partition", "left"},
			"once below a day and once below an hour; make the function succeed, or skip the record"},
		{"mapping.records_given_up", warn, "records given up", []string{"mapping", "function", "partition", "first_offset", "last_offset", "count", "offsets", "condition", "because", "error"},
			"a limit that the owner set is used up and there is no destination, or the destination failed and may drop"},
		{"mapping.records_skipped", warn, "records are skipped by their owner", []string{"mapping", "partition", "function", "first_offset", "last_offset", "count", "drop", "by"},
			"somebody typed `gantry skip`; the audit log has the reason"},
		{"mapping.skip_undone", warn, "the destination of skipped records was taken away, they are invoked again", []string{"mapping", "position"}, "the mapping lost its destination between the skip and the delivery"},
		{"mapping.function_taken_out", warn, "a function was taken out of the mapping with records in hand", []string{"mapping", "function", "partition", "offsets", "count"},
			"they are not given to it again, and what no other function wants of them is resolved by that"},
		{"mapping.record_too_large", fault, "record too large for an invocation", []string{"function", "position"},
			"no event can carry it: give the mapping a destination, or `oversize: drop`"},
		{"mapping.cannot_run", fault, "mapping can't run, it is tried again", []string{"mapping", "error"}, "the error says what to do"},
		{"mapping.stop_failed", warn, "stopping a mapping", []string{"mapping", "error"}, "what was settled may be delivered again"},
		{"mapping.report_failed", warn, "reporting the state of a mapping", []string{"mapping", "error"}, "the store did not take it; the mapping goes on"},
		{"mapping.may_have_run", warn, "no answer came, the function may have run", []string{"mapping", "records", "cut", "took", "error"},
			"the records come again; `cut` says that gantry ended the wait, because a partition moved or it was stopped: then a function in AWS or behind HTTP may still be at work"},
		{"mapping.commit_failed", warn, "commit failed, it is tried again", []string{"mapping", "error"}, "nothing is lost; what is not committed is delivered again after a crash"},
		{"mapping.answer_unwritten", warn, "an answer could not be written, it is tried again", []string{"mapping", "function", "error"}, "its lanes stand, the function is not invoked again for it; the error says what its topic or cluster lacks"},
		{"mapping.session_lost", warn, "the group's session is over, what is in flight is cut", []string{"group", "partitions"},
			"what is not committed is read again: the brokers were away, or the group took this member for dead"},
		{"mapping.put_out", warn, "the group had put this member out, what it held is read again", []string{"mapping"},
			"the group gave its partitions to others while it was joining: nothing that it held is committed any more"},
		{"mapping.may_not_leave", warn, "not allowed to leave the group, the broker ends the membership if there is one", []string{"group"},
			"the mapping's principal has no Read on its group: `gantry acls`"},
		{"mapping.positions_committed", info, "starting positions committed", []string{"group", "topics", "partitions"}, "a group began to read"},
		{"mapping.partition_begins", debug, "partition begins", []string{"group", "partition", "offset"}, "where one of them began"},
	}
}

// migrationEvents are about services that move.
func migrationEvents() []Event {
	return []Event{
		{"migration.resumed", warn, "a migration was under way when gantry ended: it goes on", []string{"plan"}, "`gantry migrate watch` shows it"},
		{"migration.step_failed", fault, "a migration's step failed", []string{"plan", "act", "state", "error"},
			"the ledger has the step and what it found; what fails after the old service was asked to stop gives its work back"},
		{"migration.cannot_resume", fault, "a migration can't go on", []string{"plan", "error"}, "`gantry migrate resume` tries again"},
		{"migration.unseen", fault, "migrations that were under way could not be looked at: gantry migrate resume goes on with them", []string{"error"}, "the error names each"},
		{"migration.state_unstored", fault, "the state of a migration is in its ledger and not in the store", []string{"plan", "state", "error"}, "`gantry migrate recover` brings it there"},
		{"handover.step", info, "hand-over", []string{"mapping", "step", "result", "detail"}, "a mapping's group goes to AWS; docs/leaving.md"},
	}
}

// functionEvents are about functions that run here.
func functionEvents() []Event {
	return []Event{
		{"function.created", info, "function created", []string{"function", "note"}, "how it runs here, where that is not as it declares"},
		{"function.declared_otherwise", warn, "a function runs otherwise than it declares", []string{"function", "detail"}, "another version of its interpreter, mostly"},
		{"function.start_failed", warn, "a process failed while it started, with nobody waiting for it", []string{"function", "reason"}, "another is started when it is needed"},
		{"function.process_ended", warn, "a process ended between invocations", []string{"function", "exit"}, "another is started when it is needed"},
		{"function.process_stuck", warn, "a process answered and then did not ask for the next event before its deadline; killed", []string{"function"}, "its answer counts"},
		{"function.stranger_refused", warn, "refused a request to the Runtime API that does not come from the function", []string{"function", "from"}, "another program of this machine asked"},
		{"function.renewed", info, "processes are replaced", []string{"function", "reason", "processes"}, "their secrets or credentials are new"},
		{"function.renewal_failed", warn, "secrets or credentials can't be renewed now; processes go on with those they have", []string{"function", "error"}, "see to it before the old ones expire"},
		{"async.given_up", warn, "asynchronous event given up", []string{"function", "requestId", "condition", "destination", "error"}, "its retries or its age are used up; a destination, if there is one, gets it"},
		{"async.waiting", warn, "asynchronous events do not get on, they are tried again", []string{"function", "error"}, "the function or its destination is not reached; said once until it is"},
		{"async.taken_up", info, "asynchronous events were left by an earlier run, they are invoked now", []string{"count"}, "one that was being run runs again"},
		{"async.not_read", fault, "the asynchronous events could not be read, it is tried again", []string{"error"}, "none is accepted meanwhile; see to the data directory"},
		{"async.dropped_with_function", warn, "asynchronous events dropped with their function", []string{"function", "count"}, "the function was deleted while they waited"},
		{"function.close_failed", warn, "closing a replaced function", []string{"function", "error"}, "processes of the old version may be left"},
		{"produce.bad_token", warn, "refused records that did not come with the token of their process", []string{"function", "from"}, "the function keeps a token that was another process's, or something else asked"},
		{"produce.refused", warn, "records of a function were refused", []string{"function", "topic", "status", "reason"}, "nothing of the request was written; with status 403 its `produce:` does not name the topic"},
		{"produce.failed", warn, "records of a function were not written", []string{"function", "topic", "records", "failed", "reason"}, "the function was told which; the reason is that of the first"},
		{"egress.not_connected", warn, "a target that functions may reach could not be connected to", []string{"function", "target", "error"}, "the function's connection was reset; the network is closed to it but for what its plan names"},
		{"isolation.gap", warn, "not isolated: …", nil, "what functions are not kept from, and what would keep them from it"},
		{"isolation.memory_watched", info, "the memory of functions is watched every 250 ms; give gantry a control group with the memory controller to have the kernel hold it", []string{"reason"}, "there is no control group that gantry may use"},
		{"isolation.not_cleaned", warn, "what functions of an earlier run left could not be removed", []string{"error"}, "it takes space and no more"},
		{"isolation.not_listed", warn, "the stored functions could not be listed", []string{"error"}, "what they are not kept from is not said"},
		{"isolation.not_hardened", warn, "this process could not be closed to its functions", []string{"error"}, "a function of the same user could look into gantry"},
	}
}

// outsideEvents are about what gantry reaches: networks, AWS, a receiver of traces.
func outsideEvents() []Event {
	return []Event{
		{"aws.credentials.obtained", info, "credentials for AWS obtained", []string{"source", "key", "expires"}, "`key` is the end of the access key's id"},
		{"aws.credentials.renewed", info, "credentials for AWS renewed", []string{"source", "key", "expires"}, "ahead of their end"},
		{"aws.credentials.renewal_failed", warn, "credentials for AWS were not renewed; those in use hold for now", []string{"expires", "left", "error"}, "see to it in the time that is left"},
		{"aws.credentials.failed", fault, "no credentials for AWS", []string{"error"}, "functions in AWS are not reached; the error says what was tried"},
		{"aws.own_environment", warn, "this variable leads to gantry itself: functions in AWS would be looked for here; start gantry without it", []string{"variable"}, ""},
		{"aws.own_environment", warn, "this variable names the keys of gantry's own API: AWS would refuse them; start gantry without it", []string{"variable"}, ""},
		{"network.egress_refused", warn, "egress refused", []string{"target", "reason", "try"}, "an allow list of `networks:` does not have it"},
		{"network.jump_host_lost", warn, "the jump host gives no sign of life, its connection is ended", []string{"host"}, "it is made anew when it is needed"},
		{"traces.lost", warn, "traces can't be sent, they are lost until it works again", []string{"to", "error"}, "records are not held up by it"},
		{"traces.sent_again", info, "traces are sent again", []string{"to"}, ""},
	}
}

// doorEvents are about the API, the audit log, the store and files.
func doorEvents() []Event {
	return []Event{
		{"config.setting_ignored", info, "a setting of the client file is ignored", []string{"cluster", "file", "line", "setting", "why"}, "it has no meaning for gantry"},
		{"tls.rotated", info, "the certificate was rotated", []string{"notAfter"}, "the files changed; new connections get the new one"},
		{"tls.refused", fault, "a new certificate can't be used, the old one stays", []string{"error"}, "repair the files: they are read again"},
		{"tls.expires", warn, "the API's certificate expires soon", []string{"notAfter"}, "put new files in its place; no restart is needed"},
		{"api.request_refused", warn, "request refused", []string{"status", "reason", "detail", "method", "path", "from", "operation", "actor", "requestId"}, "no or wrong signature, a foreign Host or Origin, a role too low; those that apply are given"},
		{"api.request_failed", fault, "request failed", []string{"method", "path", "error"}, "an error of gantry's, not of the caller"},
		{"api.lambda_request_failed", fault, "an API request failed", []string{"operation", "requestId", "error"}, "an error of gantry's, not of the caller"},
		{"api.backup_cut", fault, "a backup broke off", []string{"error"}, "the file is no backup: make it again"},
		{"api.panicked", fault, "an API request panicked", []string{"method", "path", "requestId", "panic", "stack"}, "a fault of gantry's: please report it"},
		{"api.answer_cut", warn, "an answer could not be written", []string{"operation", "requestId", "error"}, "the caller has gone"},
		{"api.package_cut", warn, "a deployment package was not sent to its end", []string{"requestId", "error"}, "the caller has gone"},
		{"audit.write_failed", fault, "a change was made but could not be written to the audit log", []string{"action", "kind", "id", "actor", "requestId", "error"}, "this line is the record of it; see to the disk"},
		{"store.read_failed", fault, "reading the desired state failed, what runs goes on", []string{"error"}, "changes are not carried out until it works again"},
		{"store.sweep_failed", warn, "old deployment packages were not removed", []string{"error"}, "they take space and no more"},
		{"file.applied", info, "applied", []string{"kind", "name", "action", "note"}, "what became of one function or mapping of the file"},
		{"file.not_applied", fault, "the file was not applied whole", []string{"file", "error"}, "what runs goes on as it was"},
		{"store.sealed", info, "functions are put under the store's current key", []string{"functions"}, "their environment was encrypted under an older one"},
	}
}
