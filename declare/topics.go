package declare

import (
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// topic reads the one topic of a mapping, topics the list of several. A mapping has one of
// the two members.
func (r *reader) topic(d *draft) read {
	return func(n ast.Node, path string) {
		var name string
		d.topics = append(d.topics, memberOf(path))
		if r.text(&name)(n, path); name != "" {
			d.Source.Topics = append(d.Source.Topics, name)
		}
	}
}

func (r *reader) topics(d *draft) read {
	return func(n ast.Node, path string) {
		d.topics = append(d.topics, memberOf(path))
		r.texts(&d.Source.Topics)(n, path)
	}
}

// memberOf is the last name of a path.
func memberOf(path string) string { return path[strings.LastIndexByte(path, '.')+1:] }

// topicFaults finds what is wrong with the topics of a mapping.
func (r *reader) topicFaults(n ast.Node, path string, d *draft) {
	if len(d.topics) > 1 {
		r.fault(n, path, "%s are given; want one of them", strings.Join(d.topics, " and "))
	}
	if len(d.Source.Topics) == 0 {
		r.fault(n, path, "want topic: NAME, or topics: [NAME, …]")
	}
	for i, topic := range d.Source.Topics {
		at := join(path, d.topics[0])
		switch {
		case !topicName.MatchString(topic) || topic == "." || topic == "..":
			r.fault(n, at, "%q is no topic name", topic)
		case len(d.topics) == 1 && slices.Contains(d.Source.Topics[:i], topic):
			r.fault(n, at, "%s is named twice", topic)
		}
		if d.OnFailure == "kafka://"+topic {
			r.fault(n, join(path, "onFailure"), "the destination is the source topic: records would go in circles")
		}
	}
}
