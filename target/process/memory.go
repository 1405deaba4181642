package process

import "time"

// memoryPause is how often the memory of working processes is looked at.
const memoryPause = 250 * time.Millisecond

// familyEvery is how seldom what a function started is counted too: finding it may mean
// to look at every process of the machine.
const familyEvery = 8

// watchMemory kills processes that use more than the function may. It ends with the last
// process. Only processes that have work are looked at: an idle one does not grow.
func (p *Pool) watchMemory() {
	tick := time.NewTicker(memoryPause)
	defer tick.Stop()
	for n := 0; ; n++ {
		<-tick.C
		busy, done := p.working()
		if done {
			return
		}
		for _, w := range busy {
			w.checkMemory(n%familyEvery == 0)
		}
	}
}

// working returns the processes that have work; done means that none is left at all.
func (p *Pool) working() (busy []*worker, done bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.workers) == 0 {
		p.watching = false
		return nil, true
	}
	free := make(map[*worker]bool, len(p.free))
	for _, w := range p.free {
		free[w] = true
	}
	for w := range p.workers {
		if !free[w] {
			busy = append(busy, w)
		}
	}
	return busy, false
}

func (w *worker) checkMemory(family bool) {
	w.mu.Lock()
	c := w.child
	w.mu.Unlock()
	if c == nil {
		return
	}
	if w.pool.cfg.Cgroups.LimitsMemory() {
		return // the kernel does
	}
	used := c.memory(family) >> 20
	if used <= w.pool.fn.Memory {
		return
	}
	w.mu.Lock()
	w.overUsed = used
	w.mu.Unlock()
	w.kill(causeMemory)
}

// memory is what the process itself holds; 0 before its start and after its end.
func (w *worker) memory() int {
	w.mu.Lock()
	c := w.child
	w.mu.Unlock()
	if c == nil {
		return 0
	}
	return c.memory(false)
}

// overLimit notes that the kernel ended the process for its memory.
func (w *worker) overLimit() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cause == causeNone {
		w.cause, w.overUsed = causeMemory, w.pool.fn.Memory
	}
}
