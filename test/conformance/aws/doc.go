// Package aws holds gantry's road to AWS against an AWS API server (moto: STS and Secrets
// Manager for real) and a proxy that opens TLS with a private CA.
package aws
