package recipe

import (
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// word is a piece of the recipe's text, and where it stands.
type word struct {
	text string
	at   *yaml.Node // nil: there is none
}

func (w word) ok() bool { return w.at != nil }

// section is a mapping whose keys are the language's, not the user's.
type section struct {
	p      *parser
	what   string // "a rank", for messages
	node   *yaml.Node
	values map[string]*yaml.Node
}

// section reads n as a mapping with the known keys, and reports the others.
func (p *parser) section(n *yaml.Node, what string, known []string) (section, bool) {
	s := section{p: p, what: what, node: n, values: map[string]*yaml.Node{}}
	if n.Kind != yaml.MappingNode {
		p.add(n, "known keys: "+strings.Join(known, ", "), "%s is a mapping, not %s", what, describe(n))
		return s, false
	}
	for i := 0; i < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		switch _, twice := s.values[key.Value]; {
		case twice: // reported by unique
		case isTypeRest(n, i): // reported by typeOf
		case !slices.Contains(known, key.Value):
			p.addUnknown(word{key.Value, key}, func() []string { return slices.Clone(known) },
				"%s has no key %s", what, quote(key.Value))
		case isNull(value):
			p.add(key, "leave the key out, or give it a value", "%s has no value", quote(key.Value))
			s.values[key.Value] = nil
		default:
			s.values[key.Value] = value
		}
	}
	return s, true
}

// get is the value of a key, or nil.
func (s section) get(key string) *yaml.Node { return s.values[key] }

// has reports whether a key is there, whatever its value.
func (s section) has(key string) bool {
	_, ok := s.values[key]
	return ok
}

// need is the value of a key that must be there; nil if it is not, which is then reported.
func (s section) need(key, hint string) *yaml.Node {
	if !s.has(key) {
		s.p.add(s.node, hint, "%s needs the key %s", s.what, quote(key))
	}
	return s.get(key)
}

// word is the text under a key, if it is there and is text.
func (s section) word(key string) word {
	if n := s.get(key); n != nil {
		return s.p.word(n, quote(key))
	}
	return word{}
}

// needWord is the text under a key that must be there.
func (s section) needWord(key, hint string) word {
	if n := s.need(key, hint); n != nil {
		return s.p.word(n, quote(key))
	}
	return word{}
}

// words is the list of texts under a key, if it is there.
func (s section) words(key string) []word {
	if n := s.get(key); n != nil {
		return s.p.words(n, key)
	}
	return nil
}

// yes is the truth value of a key; false where it is left out.
func (s section) yes(key string) bool {
	n := s.get(key)
	if n == nil {
		return false
	}
	if n.Kind != yaml.ScalarNode || n.Tag != "!!bool" {
		s.p.add(n, "", "%s is true or false, not %s", quote(key), describe(n))
		return false
	}
	return isTrue(n)
}

// maxElements is how many ranks, flattened lists or indexes a recipe has. Each may show every field, so without a limit
// a text of 1 MiB would stand for gigabytes of columns; and each table is an open file.
const maxElements = 256

// each calls read for the elements of the list under a key.
func (s section) each(key string, read func(n *yaml.Node)) {
	n := s.get(key)
	if n == nil {
		return
	}
	if n.Kind != yaml.SequenceNode {
		s.p.add(n, "begin each element with \"- \"", "%s is a list, not %s", quote(key), describe(n))
		return
	}
	if len(n.Content) > maxElements {
		s.p.add(n, "", "%s has more than %d elements", quote(key), maxElements)
		return
	}
	for _, c := range n.Content {
		read(c)
	}
}

// choose is the value that the word under a key stands for; the zero value where it is left out or wrong.
func choose[T any](s section, key string, options map[string]T) T {
	w := s.word(key)
	v, ok := options[w.text]
	if w.ok() && !ok {
		s.p.addUnknown(w, func() []string { return slices.Collect(maps.Keys(options)) },
			"%s is not a value of %s", quote(w.text), quote(key))
	}
	return v
}

// word reads n as text.
func (p *parser) word(n *yaml.Node, what string) word {
	switch {
	case n.Kind != yaml.ScalarNode || isNull(n):
		p.add(n, "", "%s is a text, not %s", what, describe(n))
		return word{}
	case n.Tag != "!!str":
		p.add(n, "write it in quotes: "+quote(n.Value), "%s is a text, not %s", what, describe(n))
		return word{}
	}
	return word{n.Value, n}
}

// words reads n as a list of texts.
func (p *parser) words(n *yaml.Node, key string) []word {
	if n.Kind != yaml.SequenceNode {
		hint := ""
		if n.Kind == yaml.ScalarNode {
			hint = "write [" + bare(n.Value) + "]"
		}
		p.add(n, hint, "%s is a list, not %s", quote(key), describe(n))
		return nil
	}
	var out []word
	for _, c := range n.Content {
		if w := p.word(c, "an element of "+quote(key)); w.ok() {
			out = append(out, w)
		}
	}
	return out
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

func isEmptyList(n *yaml.Node) bool { return n.Kind == yaml.SequenceNode && len(n.Content) == 0 }

func isTrue(n *yaml.Node) bool { return strings.EqualFold(n.Value, "true") }

// describe says what kind of value a node is.
func describe(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	}
	switch n.Tag {
	case "!!null":
		return "nothing"
	case "!!int", "!!float":
		return "a number"
	case "!!bool":
		return "true or false"
	case "!!timestamp":
		return "a date"
	}
	return "a text"
}
