package demo

import "fmt"

// table is the picture where there is no room for it: a line for each topic and mapping.
func (k *look) table(f Frame) []string {
	lines := []string{}
	for _, t := range f.Topics {
		lines = append(lines, fmt.Sprintf(" %s %s records %s", k.ground.Render(fit("topic "+t.Name, 20)), right(thousands(t.Records), 9),
			right(fmt.Sprintf("%.0f/s", t.PerSecond), 8)))
	}
	lines = append(lines, "", k.dim.Render(" "+fit("", 16)+right("done", 9)+right("rec/s", 7)+right("busy", 6)+right("again", 7)+right("dead", 6)+right("lag", 7)))
	for _, s := range f.Stages {
		name := k.function.Render(fit(s.Label, 16))
		if !s.Running {
			lines = append(lines, " "+name+k.dim.Render(right("not running", 14)))
			continue
		}
		lines = append(lines, " "+name+right(thousands(s.Processed), 9)+right(fmt.Sprintf("%.0f", s.PerSecond), 7)+
			right(fmt.Sprint(s.Flying), 6)+right(thousands(s.Retries), 7)+right(thousands(s.Dead), 6)+right(thousands(s.Lag), 7))
	}
	return append(lines, "", " "+k.cloud.Render("bucket")+fmt.Sprintf(" %s records in %s objects", thousands(f.Stored), thousands(f.Objects)), "")
}
