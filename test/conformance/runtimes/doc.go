// Package runtimes proves that functions written for Lambda run in gantry's processes:
// one suite for AWS's own runtime clients (Go, Python, Node.js, Java) and for gantry's
// small bootstraps, and a comparison of the error documents that both make.
//
// Clients are kept in GANTRY_CACHE (default ~/.cache/gantry). They are fetched only where
// GANTRY_TEST_SIZE is set: those with a native build only by full. What is not there is
// skipped with the reason.
package runtimes
