// Package kafkatest gives tests a Kafka: an in-memory one whose clock a test controls,
// and real Apache Kafka brokers.
//
// # The in-memory cluster
//
// Virtual starts kfake on an in-process network, so that a test in a testing/synctest
// bubble runs hours in milliseconds:
//
//	synctest.Test(t, func(t *testing.T) {
//		f := kafkatest.Virtual(t, kfake.SeedTopics(3, "orders"))
//		cl := f.Client(t, kgo.ConsumeTopics("orders"))      // or f.Brokers() and f.Dial
//		kafkatest.ProduceValues(t, f, "orders", 0, "a", "b")
//		f.FailCommits("g", 2, kerr.RebalanceInProgress)     // the next two
//	})
//
// Local is the same on real loopback ports, for clients in another process.
//
// Faults. By answer: FailCommits, FailFetches, FailProduces and kfake's own Fault (any
// request, by topic, partition, group; counted, waited for, observed). By time: Hold,
// Slow. By network: LoseAnswers, Drop, Cut and Heal of a Host; f.NewHost() is a machine
// of its own, and cutting its cable for good is a kill -9 of what runs there. By
// cluster: Rejoin, Join, Expel, Retain, Recreate, AddPartitions, Expire, Commit,
// MoveLeader, ElectUncleanly, and kfake's RehashCoordinators, ApplyRetention, Compact.
// To wait for a group: WaitGroupStable, WaitGroupInfo (give them a context with a
// deadline: a bubble whose clock always has a next event never deadlocks, it spins).
//
// What kfake can, each proven by a test of this package:
//   - transactions: commit, abort, read_committed, control records that leave holes in
//     the offsets, TxnOffsetCommit;
//   - classic groups, all protocols; dynamic members (session timeout, Expel), static
//     members (FENCED_INSTANCE_ID, LeaveGroup by instance id, the old partitions back
//     at once); KIP-848 groups (kgo.ServerSideBalancer), with the type in ListGroups;
//   - an administrator's commit is refused while the group has members;
//   - a member may commit partitions it does not own;
//   - log start: OFFSET_OUT_OF_RANGE behind it; retention.ms on the bubble's clock;
//     offsets.retention.minutes on the bubble's clock; offsets by timestamp;
//   - topic ids, new after Recreate, which also drops the topic's commits;
//   - partitions added, leaders moved, logs truncated by an unclean election (through
//     MoveLeader and ElectUncleanly of this package: with MoveTopicPartition alone kgo
//     reports data loss), compaction that leaves holes, ACLs.
//
// What it cannot, or does otherwise than Kafka:
//   - it compares all a returning static member sent with its last join, where Kafka
//     compares the protocol's name: kgo sends its generation and what it owned, so a
//     member that had joined more than once costs a rebalance here and none there;
//   - a removed member's commit may be answered ILLEGAL_GENERATION (Kafka:
//     UNKNOWN_MEMBER_ID), after which kgo joins again without calling OnPartitionsLost;
//   - there is no throttling, no quota, no disk, no replication (acks=all is at once),
//     no log truncation found in a fetch (only by OffsetForLeaderEpoch), no downgrade
//     of a KIP-848 group to classic;
//   - the order of concurrent requests is the Go scheduler's: a bubble fixes the clock,
//     not the interleaving, so a seed replays the faults and not every step.
//
// What kgo does that surprises: it reports a lost group session once as an error of a
// poll (kgo.ErrGroupSession) and joins again by itself; a cut cable makes it give up
// its assignment long before the broker expires the session, and it reads from the
// last commit when it is back; Close does not make a static member leave; a returning
// static member that leads its group gets its partitions at once and then joins again
// whenever its own plan differs from the group's (its log: "instance group leader
// restarted").
//
// # Real Kafka
//
// Start runs Apache Kafka in KRaft mode, one broker or three, from jars that Maven
// downloads once into ${GANTRY_CACHE:-the user's cache directory/gantry}/kafka. Shared
// is one broker for all tests of a package. Each runs a test on several versions.
//
//	func TestMain(m *testing.M) { os.Exit(kafkatest.Main(m)) }
//
//	func TestOrders(t *testing.T) {
//		c, topic := kafkatest.Shared(t), kafkatest.Topic(t)
//		c.CreateTopic(t, topic, 4, nil)
//		kafkatest.Fill(t, c, kafkatest.Load{Topic: topic, Partitions: 4, Records: 1000, Size: 100})
//
// They run only with GANTRY_TEST_KAFKA=1 and skip with the reason where Java or the jars
// are missing; GANTRY_TEST_SIZE=full asks for the large counts and all versions. No
// broker outlives the test binary. A broker takes 160 MB and, on an idle machine, two to
// three seconds to start; it does so with the quick compiler only (Options.JVM changes
// that for a benchmark) and with an archive of its classes. A broker that was killed is
// let in again when its old session of 3 s is over.
//
// The doors: Brokers (plaintext, everything allowed), SASLBrokers and SASLOptions,
// MTLSBrokers and MTLSOptions, Cluster.TLS for the certificates. With Options.ACLs the
// last two allow only what Allow gave. With Options.Tap, TapBrokers: a test sees each
// request before the broker does and can kill its client there.
//
// # What a test proves with it
//
// A Journal is told which offsets are to be delivered and, by the functions under test
// (in-process, or through the collector Serve opens), which were. Its Verdict names what
// was lost, what overtook an unresolved record, and each repeat with the disturbance
// that explains it. WatchOffsets, Fake.WatchCommits and Cluster.Commits see what a group
// commits; with Journal.Resolved the first two fail a test in which it ever committed
// past an unresolved record.
package kafkatest
