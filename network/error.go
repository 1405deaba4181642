package network

import (
	"context"
	"errors"
	"net"
	"os"
	"syscall"
)

// Error is a connection that was not made: gantry refused it, or its way did not carry
// it. It explains itself to the owner.
type Error struct {
	Target  string // host:port that was asked for
	Blocked bool   // gantry's own allow list refused it; nothing was sent
	Cause   string // what happened, in one clause
	Try     string // what to try
	Err     error  // the details
}

func (e *Error) Error() string { return "dial " + e.Target + ": " + e.Err.Error() }

// Unwrap gives a failed dial as package net has it, so that clients which try another
// address after one do so. What it was inside is told by the text alone: a certificate
// that a proxy showed must not be taken for the target's.
func (e *Error) Unwrap() error {
	return &net.OpError{Op: "dial", Net: "tcp", Err: inner(e.Err)}
}

// Explain gives cause and remedy, for those who know this error by its method only.
func (e *Error) Explain() (cause, try string) { return e.Cause, e.Try }

// opaque is an error of which only the text is known.
type opaque struct{ error }

// inner keeps what a client decides by: that a dial timed out, or the system's own error.
func inner(err error) error {
	var timeout net.Error
	var number syscall.Errno
	switch {
	case errors.Is(err, context.Canceled):
		return context.Canceled
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return os.ErrDeadlineExceeded
	case errors.As(err, &number):
		return os.NewSyscallError("connect", number)
	}
	return opaque{errors.New(err.Error())}
}
