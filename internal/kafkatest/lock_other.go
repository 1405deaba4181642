//go:build !unix

package kafkatest

import "errors"

func lockFile(string) (func(), error) {
	return nil, errors.New("real Kafka runs in the tests on Linux and macOS only")
}
