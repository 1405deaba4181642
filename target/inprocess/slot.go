package inprocess

import (
	"errors"
	"fmt"
	"reflect"

	"github.com/aws/aws-lambda-go/lambda"
)

// newSlots makes one handler for each slot. A handler that aws-lambda-go makes of a
// function serves one call at a time only: the answer it returns lies in a buffer that
// is back in the handler's pool already, as in AWS, where nobody else is there to take
// it. With a handler of its own, a slot copies the answer before it is free again.
func newSlots(handler any, n int) chan lambda.Handler {
	slots := make(chan lambda.Handler, n)
	for range n {
		if own, ok := handler.(lambda.Handler); ok {
			slots <- own
		} else {
			slots <- lambda.NewHandler(handler)
		}
	}
	return slots
}

// checkHandler finds what aws-lambda-go would only say at the first call.
func checkHandler(handler any) error {
	if handler == nil {
		return errors.New("there is no handler")
	}
	t := reflect.TypeOf(handler)
	if _, ok := handler.(lambda.Handler); ok {
		if t.Kind() == reflect.Pointer && t.Elem().PkgPath() == reflect.TypeFor[lambda.Handler]().PkgPath() {
			return errors.New("the handler was made by lambda.NewHandler, which serves one call at a time; give the function itself")
		}
		return nil
	}
	if t.Kind() != reflect.Func || t.NumIn() > 2 || t.NumOut() > 2 {
		return fmt.Errorf("a %v is no handler; write it as func(context.Context, Event) (Answer, error)", t)
	}
	return nil
}
