package main

import (
	"log/slog"
	"maps"
	"slices"

	"gantry/declare"
)

// notes tells what is left aside of the clusters' client files, setting by setting.
func notes(file *declare.File, log *slog.Logger) {
	for _, name := range slices.Sorted(maps.Keys(file.Clusters)) {
		c := file.Clusters[name]
		for _, note := range c.Notes() {
			log.Info("a setting of the client file is ignored", "cluster", name, "file", c.Properties, "line", note.Line, "setting", note.Key, "why", note.Why)
		}
	}
}
