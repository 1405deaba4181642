// Package aws holds gantry's road to AWS against an AWS API server (moto) and a proxy that
// opens TLS with a private CA, and the policies that gantry prints against AWS's reference
// and against a gate that decides by them.
package aws
