package sink

import (
	"errors"
	"net"
	"syscall"

	"gantry/record"
)

// Parts gives the indices of the records of each partition, in order.
func Parts(records []Record) [][]int {
	var parts [][]int
	at := map[record.Partition]int{}
	for i := range records {
		of := records[i].Of()
		n, known := at[of]
		if !known {
			n = len(parts)
			at[of] = n
			parts = append(parts, nil)
		}
		parts[n] = append(parts[n], i)
	}
	return parts
}

// WithValue leaves tombstones out.
func WithValue(records []Record, part []int) []int {
	var list []int
	for _, i := range part {
		if records[i].Value != nil {
			list = append(list, i)
		}
	}
	return list
}

// Behind fails what was not tried because err came before it in its partition.
func Behind(part []int, err error) []Failure {
	list := make([]Failure, 0, len(part))
	for _, i := range part {
		list = append(list, Failure{Index: i, Err: &Fault{Cause: CauseOf(err), Err: errBehind, Wait: waitOf(err)}})
	}
	return list
}

// NotSent says of an error of a connection that nothing was sent over it: it was refused,
// its name was not found, there was no way to it.
func NotSent(err error) bool {
	var name *net.DNSError
	var op *net.OpError
	return errors.As(err, &name) || errors.Is(err, syscall.ECONNREFUSED) || errors.As(err, &op) && op.Op == "dial"
}
