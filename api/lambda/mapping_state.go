package lambda

import "gantry/mapping"

// statusOf puts what is wished beside what the engine observed. While the engine has
// not taken up the newest version of the wish, the mapping is on its way: Creating,
// Enabling, Disabling, Updating or Deleting.
func (s *Server) statusOf(m *mapping.Mapping, version int64) mapping.Status {
	status := s.cfg.Engine.Status(m.UUID)
	switch {
	case m.Deleting:
		status.State = mapping.Deleting
	case status.State == "":
		status.State = untaken(m.Enabled, version)
	case m.Enabled && isOff(status.State):
		status.State = mapping.Enabling
	case !m.Enabled && isOn(status.State):
		status.State = mapping.Disabling
	case status.Version != 0 && status.Version < version && isResting(status.State):
		status.State = mapping.Updating
	}
	return status
}

// untaken is the state of a mapping the engine knows nothing of: new, or gantry has
// just started.
func untaken(enabled bool, version int64) mapping.State {
	switch {
	case version <= 1:
		return mapping.Creating
	case enabled:
		return mapping.Enabling
	}
	return mapping.Disabled
}

func isOff(s mapping.State) bool     { return s == mapping.Disabled || s == mapping.Disabling }
func isOn(s mapping.State) bool      { return s == mapping.Enabled || s == mapping.Enabling }
func isResting(s mapping.State) bool { return s == mapping.Enabled || s == mapping.Disabled }

// mayMove refuses a change that the state of the mapping does not allow.
func mayMove(uuid string, from, to mapping.State) error {
	again := from == to && (from == mapping.Enabling || from == mapping.Disabling)
	if again || from.May(to) {
		return nil
	}
	if from == mapping.Deleting {
		return inUse("Event source mapping %s is being deleted.", uuid)
	}
	return inUse("Event source mapping %s is %s and can not become %s now. Wait until its state is %s or %s, then repeat the operation.",
		uuid, from, to, mapping.Enabled, mapping.Disabled)
}
