package filter

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// node is a piece of a pattern as it was written. A map would not do: order and
// repeated names have a meaning in a pattern, the later one wins.
type node struct {
	kind    nodeKind
	text    string // string: its content; number, true, false, null: as written
	members []member
	items   []*node
}

type member struct {
	name  string
	value *node
}

type nodeKind uint8

const (
	objectNode nodeKind = iota
	listNode
	stringNode
	numberNode
	wordNode // true, false, null
)

func (k nodeKind) String() string {
	return [...]string{"an object", "a list", "a string", "a number", "true, false or null"}[k]
}

func parse(pattern string) (*node, error) {
	if !utf8.ValidString(pattern) {
		return nil, errors.New("not valid UTF-8")
	}
	dec := json.NewDecoder(strings.NewReader(pattern))
	dec.UseNumber()
	root, err := parseNode(dec)
	if err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			err = errors.New("the text ends too early")
		}
		return nil, fmt.Errorf("not valid JSON at character %d: %w", dec.InputOffset(), err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, fmt.Errorf("not valid JSON: more text follows the pattern at character %d", dec.InputOffset())
	}
	return root, nil
}

func parseNode(dec *json.Decoder) (*node, error) {
	token, err := dec.Token()
	if err != nil {
		return nil, err
	}
	switch t := token.(type) {
	case json.Delim:
		if t == '{' {
			return parseObject(dec)
		}
		return parseList(dec)
	case string:
		return &node{kind: stringNode, text: t}, nil
	case json.Number:
		return &node{kind: numberNode, text: t.String()}, nil
	case bool:
		return &node{kind: wordNode, text: fmt.Sprint(t)}, nil
	default:
		return &node{kind: wordNode, text: "null"}, nil
	}
}

func parseObject(dec *json.Decoder) (*node, error) {
	n := &node{kind: objectNode}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return nil, err
		}
		value, err := parseNode(dec)
		if err != nil {
			return nil, err
		}
		n.members = append(n.members, member{name.(string), value})
	}
	_, err := dec.Token()
	return n, err
}

func parseList(dec *json.Decoder) (*node, error) {
	n := &node{kind: listNode}
	for dec.More() {
		item, err := parseNode(dec)
		if err != nil {
			return nil, err
		}
		n.items = append(n.items, item)
	}
	_, err := dec.Token()
	return n, err
}
