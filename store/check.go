package store

import (
	"encoding/json"
	"errors"
	"fmt"
)

// CheckDocument says every fault of a document somebody wants to put. Implementations
// call it, so that all refuse the same.
func CheckDocument(doc Document) error {
	var faults []error
	if doc.Kind == "" {
		faults = append(faults, errors.New("it has no kind"))
	}
	if doc.ID == "" {
		faults = append(faults, errors.New("it has no id"))
	}
	if doc.Version < 0 {
		faults = append(faults, fmt.Errorf("version %d is negative", doc.Version))
	}
	if !json.Valid(doc.Body) {
		faults = append(faults, errors.New("its body is not JSON"))
	}
	if len(faults) == 0 {
		return nil
	}
	return fmt.Errorf("put %s %q: %w", doc.Kind, doc.ID, errors.Join(faults...))
}

// ConflictError says which version is current when another was named. It is an
// ErrConflict.
func ConflictError(action string, doc Document, current int64) error {
	switch {
	case current == 0:
		return fmt.Errorf("%s %s %s: version %d is gone: %w", action, doc.Kind, doc.ID, doc.Version, ErrConflict)
	case doc.Version == 0:
		return fmt.Errorf("%s %s %s: it exists at version %d: %w", action, doc.Kind, doc.ID, current, ErrConflict)
	}
	return fmt.Errorf("%s %s %s: version %d is current, not %d: %w", action, doc.Kind, doc.ID, current, doc.Version, ErrConflict)
}

// NotFoundError names what is not there. It is an ErrNotFound.
func NotFoundError(kind Kind, id string) error {
	return fmt.Errorf("%s %s: %w", kind, id, ErrNotFound)
}

// CheckNames says which of the named things, given as pairs of word and name, are empty.
func CheckNames(action string, pairs ...string) error {
	var faults []error
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			faults = append(faults, fmt.Errorf("the %s has no name", pairs[i]))
		}
	}
	if len(faults) == 0 {
		return nil
	}
	return fmt.Errorf("%s: %w", action, errors.Join(faults...))
}

// CheckItem says every fault of something to put into a queue.
func CheckItem(action, queue string, body []byte) error {
	var faults []error
	if queue == "" {
		faults = append(faults, errors.New("the queue has no name"))
	}
	if !json.Valid(body) {
		faults = append(faults, errors.New("the body is not JSON"))
	}
	if len(faults) == 0 {
		return nil
	}
	return fmt.Errorf("%s queue %q: %w", action, queue, errors.Join(faults...))
}

// NoItemError names an item that is not there. It is an ErrNotFound.
func NoItemError(queue string, sequence int64) error {
	return fmt.Errorf("item %d of queue %s: %w", sequence, queue, ErrNotFound)
}
