package schema

import "errors"

func newProtobuf(string, []reference, string) (codec, error) {
	return nil, errors.New("protobuf is not supported yet")
}
