package embedded

import (
	"fmt"
	"strconv"

	"gantry/store"

	"github.com/google/uuid"
	bolt "go.etcd.io/bbolt"
)

// format is the version of the file's layout. It goes up with a change that an older
// gantry would misread.
const format = 1

var (
	formatKey    = []byte("format")
	directoryKey = []byte("directory")
)

// identify checks the format before anything is written, and makes both format and
// identity in a file that has none.
func identify(db *bolt.DB) (id string, err error) {
	err = db.View(func(tx *bolt.Tx) error {
		id, err = readIdentity(tx)
		return err
	})
	if err != nil || id != "" {
		return id, err
	}
	id = uuid.NewString()
	return id, db.Update(func(tx *bolt.Tx) error {
		b, err := makeBucket(tx, metaBucket)
		if err != nil {
			return err
		}
		if err := b.Put(formatKey, []byte(strconv.Itoa(format))); err != nil {
			return err
		}
		return b.Put(directoryKey, []byte(id))
	})
}

func readIdentity(tx *bolt.Tx) (string, error) {
	b := bucket(tx, metaBucket)
	if b == nil {
		if k, _ := tx.Cursor().First(); k != nil {
			return "", fmt.Errorf("%s holds data but was not written by gantry; choose another directory with --data-dir", fileName)
		}
		return "", nil
	}
	text := string(b.Get(formatKey))
	n, err := strconv.Atoi(text)
	switch {
	case err != nil:
		return "", fmt.Errorf("%s has the format version %q, which is no number; restore a backup", fileName, text)
	case n > format:
		return "", fmt.Errorf("%w: format %d, this one knows up to %d; start the newer version, or restore a backup made before the upgrade",
			store.ErrNewer, n, format)
	}
	return string(b.Get(directoryKey)), nil
}
