// Package schemas reads with Confluent's own deserializers what package schema writes.
package schemas
