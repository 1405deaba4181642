package embedded

import (
	"context"
	"errors"
	"fmt"
	"syscall"

	"gantry/store"
)

// explain names what was attempted and, for a full disk, what helps. Errors that say it
// already, because callers branch on them, pass.
func explain(action string, kind store.Kind, id string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, store.ErrConflict), errors.Is(err, store.ErrNotFound),
		errors.Is(err, store.ErrClosed), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, syscall.ENOSPC):
		return fmt.Errorf("%s %s %s: nothing was changed: %w; free space on the data directory's disk", action, kind, id, err)
	}
	return fmt.Errorf("%s %s %s: %w", action, kind, id, err)
}
