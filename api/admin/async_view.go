package admin

import "time"

// asyncView is what waits for a function that somebody invoked without waiting for it.
type asyncView struct {
	Function string  `json:"function"`
	Waiting  int     `json:"waiting"`
	Oldest   float64 `json:"oldestSeconds"`
	Problem  string  `json:"problem,omitempty"` // why they do not get on
}

func (s *Server) async() []asyncView {
	var views []asyncView
	for _, b := range s.cfg.Engine.Asynchronous() {
		if b.Waiting == 0 {
			continue
		}
		v := asyncView{Function: b.Function, Waiting: b.Waiting, Problem: s.cfg.MaskText(b.Problem)}
		if !b.Oldest.IsZero() {
			v.Oldest = time.Since(b.Oldest).Seconds()
		}
		views = append(views, v)
	}
	return views
}
