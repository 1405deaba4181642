// Package ruler compares the filters with AWS's Event Ruler, pattern by pattern and
// record by record.
//
// The Ruler comes from Maven Central (pom.xml) and answers through Oracle.java, both
// kept in a cache outside the checkout. The tests generate patterns for every operator
// and records near them from a seed, ask both sides, and fail on the first kind of
// disagreement. They also fail when the corpus is poor: too few pairs for an operator,
// or answers that are all alike. GANTRY_TEST_SIZE=full asks many more pairs,
// GANTRY_TEST_SEED another corpus. Without Java and Maven they are skipped.
package ruler
