package main

import (
	"gantry/store"
	"gantry/store/embedded"
)

// openStore opens the data directory. Its identity is this process's name in every
// group: a process that comes back with the same directory is the same member.
func openStore(dir string) (store.Store, string, error) {
	db, err := embedded.Open(dir)
	if err != nil {
		return nil, "", err
	}
	return db, db.ID(), nil
}
