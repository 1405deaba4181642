package process

// Harden does nothing here: Windows writes no dumps by itself.
func Harden() error { return nil }
