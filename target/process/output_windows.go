package process

// follow reads one pipe to its end.
func (o *output) follow(s *stream) {
	buf := make([]byte, len(o.buf))
	for {
		n, err := s.read.Read(buf)
		o.mu.Lock()
		o.absorb(s, buf[:n])
		o.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// drain cannot read a Windows pipe without waiting: a process's last lines may be
// attributed to its next invocation.
func (o *output) drain() {}
