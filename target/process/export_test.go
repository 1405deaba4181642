package process

// Renewal is renewal, for tests of its arithmetic.
var Renewal = renewal
