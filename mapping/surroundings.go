package mapping

// Surroundings are what a mapping gives its functions beside what their owners declared: a
// shadow run gives them other variables, other topics and no way out. A function in
// surroundings has processes of its own.
type Surroundings struct {
	Name        string            // told apart by it: one of a kind in a gantry
	Environment map[string]string `json:",omitempty"` // wins over the function's own
	Egress      *Egress           `json:",omitempty"` // nil = wherever the function likes
	Capture     map[string]string `json:",omitempty"` // topic a function names → the one its records go to instead; nil = as named, and no other is taken where it is not nil
}

// Egress is where processes can connect to, beside gantry's own loopback addresses.
type Egress struct {
	Targets []string // HOST:PORT
}
