// Package logins holds gantry's ways to log in against real brokers: each mechanism on a
// listener configured for it, with Kafka's own validator of tokens, MIT Kerberos' KDC and
// a callback handler that computes Amazon MSK's signatures again; what each refusal is
// told as; and credentials that are rotated while records flow.
package logins
