package call

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
)

// node is an element of an answer of the query protocol.
type node struct {
	name     string
	text     string
	children []*node
}

func (n *node) child(name string) *node {
	for _, c := range n.children {
		if c.name == name {
			return c
		}
	}
	return nil
}

// decodeQuery reads an answer of XML: <OpResponse><OpResult>…</OpResult>…</OpResponse>.
func decodeQuery(ref *member, body []byte) (map[string]any, error) {
	root, err := parseXML(body)
	if err != nil {
		return nil, err
	}
	if ref.ResultWrapper != "" {
		if root = root.child(ref.ResultWrapper); root == nil {
			return nil, fmt.Errorf("it has no <%s>", ref.ResultWrapper)
		}
	}
	return xmlStructure(ref.of, root), nil
}

// maxXMLDepth bounds the nesting of an answer.
const maxXMLDepth = 200

func parseXML(body []byte) (*node, error) {
	d := xml.NewDecoder(bytes.NewReader(body))
	top := &node{}
	open := []*node{top}
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("it is no XML: %w", err)
		}
		last := open[len(open)-1]
		switch t := token.(type) {
		case xml.StartElement:
			if len(open) > maxXMLDepth {
				return nil, fmt.Errorf("it is nested deeper than %d", maxXMLDepth)
			}
			n := &node{name: t.Name.Local}
			last.children = append(last.children, n)
			open = append(open, n)
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			last.text += string(t)
		}
	}
	if len(top.children) != 1 {
		return nil, errors.New("it is no XML document")
	}
	return top.children[0], nil
}

func xmlStructure(s *shape, n *node) map[string]any {
	out := map[string]any{}
	for name, ref := range s.Members {
		at := ref.name(name)
		if flat(ref) {
			if ref.of.Type == "list" {
				at = firstOf(ref.of.Member.LocationName, at)
			}
			if all := n.all(at); len(all) > 0 {
				out[name] = xmlMany(ref, all)
			}
			continue
		}
		if c := n.child(at); c != nil {
			out[name] = xmlValue(ref, c)
		}
	}
	return out
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func (n *node) all(name string) []*node {
	var found []*node
	for _, c := range n.children {
		if c.name == name {
			found = append(found, c)
		}
	}
	return found
}

// flat says that the elements of a list or map stand in the structure itself.
func flat(ref *member) bool {
	return (ref.Flattened || ref.of.Flattened) && (ref.of.Type == "list" || ref.of.Type == "map")
}

func xmlValue(ref *member, n *node) any {
	switch s := ref.of; s.Type {
	case "structure":
		return xmlStructure(s, n)
	case "list", "map":
		return xmlMany(ref, n.children)
	case "boolean":
		return n.text == "true"
	case "integer", "long", "short", "float", "double":
		return json.Number(n.text)
	case "blob":
		if b, err := base64.StdEncoding.DecodeString(n.text); err == nil {
			return b
		}
		return n.text
	default:
		return n.text
	}
}

func xmlMany(ref *member, nodes []*node) any {
	s := ref.of
	if s.Type == "list" {
		out := []any{}
		for _, n := range nodes {
			out = append(out, xmlValue(s.Member, n))
		}
		return out
	}
	out := map[string]any{}
	for _, n := range nodes {
		key, value := n.child(s.Key.name("key")), n.child(s.Value.name("value"))
		if key != nil && value != nil {
			out[key.text] = xmlValue(s.Value, value)
		}
	}
	return out
}
