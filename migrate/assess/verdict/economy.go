package verdict

import (
	"fmt"

	"gantry/workload"
)

const (
	ruleMoney = "what a month costs"
	ruleTrips = "a database that stays is asked for every record"
)

const (
	mostlyIdle   = 0.9
	worthWhile   = 25.0 // dollars a month: below that, less to run is worth more
	tripsMatter  = 0.5  // round trips a record from which the way to the database rules
	regularShare = 0.7
	saturated    = 1.3
)

func economy() []rule {
	return []rule{
		{ruleMoney, workload.Economy, money},
		{"idle most of the time", workload.Economy, func(c Case) finding {
			saw := fmt.Sprintf("no records in %.0f %% of the time; longest pause %s", 100*c.Traffic.Idle, hours(c.Traffic.LongestIdle))
			if c.Traffic.Idle > mostlyIdle {
				return fired(string(workload.ToFunction), "%s: what always runs would mostly wait", saw)
			}
			return silent("%s", saw)
		}},
		{"busier than a container costs", workload.Economy, func(c Case) finding {
			saw := fmt.Sprintf("%.2f sandboxes busy on average; %d tasks of %g vCPU cost as much as %.2f", c.Costs.Busy, c.Costs.Tasks, c.Costs.TaskCPU, c.Costs.BreakEven)
			if c.Costs.Busy > c.Costs.BreakEven {
				return fired(string(workload.ToContainer), "%s", saw)
			}
			return silent("%s", saw)
		}},
	}
}

// money compares what is possible. A difference that nobody would notice goes to the
// function: there is less to run.
func money(c Case) finding {
	on := container(c)
	l, b := c.Costs.Lambda, quoteOf(c, on)
	saw := fmt.Sprintf("Lambda costs %s a month, %s %s", span(l.Money), on, span(b.Money))
	switch {
	case l.Impossible != "":
		return fired(string(workload.ToContainer), "Lambda can't keep up; %s costs %s a month", on, span(b.Money))
	case b.Impossible != "":
		return fired(string(workload.ToFunction), "%s, and it can't keep up: %s", saw, b.Impossible)
	case l.Money.Mid <= b.Money.Mid:
		return fired(string(workload.ToFunction), "%s", saw)
	case l.Money.Mid-b.Money.Mid < worthWhile:
		return fired(string(workload.ToFunction), "%s: a difference of %s does not pay for running a container", saw, dollars(l.Money.Mid-b.Money.Mid))
	}
	return fired(string(workload.ToContainer), "%s", saw)
}

// far says what the way to the database would do to a function in AWS now.
func far(c workload.Costs) string {
	switch {
	case c.Far == nil:
		return ""
	case c.Far.Impossible != "":
		return ", and it could not keep up"
	}
	return fmt.Sprintf(" (Lambda would cost %s a month instead of %s)", dollars(c.Far.Money.Mid), dollars(c.Lambda.Money.Mid))
}

func span(m workload.Money) string {
	if dollars(m.Low) == dollars(m.High) {
		return dollars(m.Mid)
	}
	return fmt.Sprintf("%s (%s to %s)", dollars(m.Mid), dollars(m.Low), dollars(m.High))
}

func places() []rule {
	return []rule{
		{ruleTrips, workload.Place, func(c Case) finding {
			f := c.Facts
			switch {
			case !f.Trips.Known() || !f.Database.Known():
				return unasked("round trips to a database and its place are not known (databaseTrips, database)")
			case f.Database.Value != "here":
				return silent("its database: %s", f.Database.Value)
			case f.Trips.Value < tripsMatter:
				return silent("%g round trips a record", f.Trips.Value)
			}
			return fired("here", "%g round trips × %s = %s more for each record in AWS, beside the %s it takes%s: run it here until the database moves",
				f.Trips.Value, c.Platform.RoundTrip.Value, hours(c.Costs.Extra), f.PerRecord.Value, far(c.Costs))
		}},
		{"ECS can't scale by the lag of this name", workload.Place, func(c Case) finding {
			if !plainName(c.Group) {
				return fired("", "CloudWatch has no lag for group names with ':' or letters outside ASCII: give it another name in the plan")
			}
			return silent("the name is plain")
		}},
		{"the calendar says when", workload.Place, func(c Case) finding {
			r := c.Traffic.Regular
			switch {
			case r == nil:
				return unasked("fewer than three days of history")
			case r.Explained >= regularShare && c.Traffic.PeakToMean > 1.5:
				return fired("", "%s explains %.0f %% of the ups and downs: a container can be scaled by a timetable", r.By, 100*r.Explained)
			}
			return silent("%s explains %.0f %%", r.By, 100*r.Explained)
		}},
		{"error controls need provisioned pollers", workload.Place, func(c Case) finding {
			if c.Facts.ErrorControls.Value {
				return fired("", "bounded retries, bisect and partial failures are sold with pollers; gantry has them without")
			}
			return silent("not asked for")
		}},
	}
}

func plainName(name string) bool {
	for _, r := range name {
		if r == ':' || r > 126 || r < 32 {
			return false
		}
	}
	return true
}
