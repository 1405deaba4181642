package cutover

import (
	"context"
	"errors"
)

// Look is what a cutover would meet and cost. It changes nothing and writes nothing; what
// stands against the cutover is in Preflight.Faults and Prediction.NoGo, and is no error.
func (p *Protocol) Look(ctx context.Context) (Preflight, Prediction, error) {
	r, err := p.load(ctx)
	if err != nil {
		return Preflight{}, Prediction{}, err
	}
	r.a = attempt{}
	pre, err := r.preflight(ctx)
	var faults *FaultsError
	if errors.As(err, &faults) {
		return pre, Prediction{NoGo: faults.Faults}, nil
	}
	if err != nil {
		return pre, Prediction{}, err
	}
	said, err := r.predict(pre)
	if errors.Is(err, ErrNoGo) {
		err = nil
	}
	return pre, said, err
}
