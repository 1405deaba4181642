package lambda

// AWS's limits of a deployment package that comes with the request.
const (
	maxZip      = 52_428_800
	maxUnzipped = 262_144_000
)

// zipFaults checks a deployment package before anything of it is stored.
func (s *Server) zipFaults(body []byte, f *faults) {
	if len(body) > maxZip {
		f.refuse("ZipFile: %d bytes are more than the %d of a direct upload", len(body), maxZip)
		return
	}
	if err := s.cfg.Code.Check(body); err != nil {
		f.refuse("%v", err)
	}
}
