package recipe

import (
	"bytes"
	"errors"
	"io"

	"go.yaml.in/yaml/v3"
)

const (
	maxText  = 1 << 20 // bytes; nobody writes more, and a larger file is data given by mistake
	maxDepth = 16      // of nested YAML; the language needs 8
)

// Parse reads and checks a recipe; name is its file's, for messages. The error is an *Error with every problem found.
func Parse(name string, text []byte) (*Recipe, error) {
	p := newParser()
	if root := p.document(text); root != nil {
		p.read(root)
	}
	if err := p.err(name); err != nil {
		return nil, err
	}
	p.recipe.Source = bytes.Clone(text)
	return p.recipe, nil
}

// parser is the state of one Parse. Sections are read in the order of their dependence, not of the text, so that
// names can be resolved while reading.
type parser struct {
	problems
	recipe *Recipe
	marks  []mark // of recipe.Fields
	// known says whether the fields could be read at all: without them no name means anything.
	known bool

	fieldByName, fieldByPath, fieldByToken map[string]int
	rankByName                             map[string]int
	record                                 *columnSet         // what each table of records may show
	flattened                              map[int]*flattened // by the list's field
	flattenSound                           bool
	tables                                 map[string]int // lines of the tables' names, folded
}

// mark is where a field stands in the text.
type mark struct {
	key      *yaml.Node
	optional *yaml.Node // not nil: the text says required: false
	broken   bool       // it has problems: further ones would only follow from them
}

func newParser() *parser {
	return &parser{
		recipe:       &Recipe{MaxLine: DefaultMaxLine},
		fieldByName:  map[string]int{},
		fieldByPath:  map[string]int{},
		fieldByToken: map[string]int{},
		rankByName:   map[string]int{},
		record:       newColumnSet(nil),
		flattened:    map[int]*flattened{},
		tables:       map[string]int{},
	}
}

// Keys of the recipe itself.
var recipeKeys = []string{
	"version", "fields", "unknown", "dedupe", "ranks", "flatten", "indexes", "table", "wide", "privacy", "max_line",
}

func (p *parser) read(root *yaml.Node) {
	s, ok := p.section(root, "a recipe", recipeKeys)
	if !ok {
		return
	}
	p.version(s)
	p.maxLine(s)
	p.recipe.Unknown = choose(s, "unknown", unknowns)
	p.fields(s)
	p.dedupe(s)
	p.ranks(s)
	main, ok := p.main(s)
	p.flatten(s)
	if ok {
		p.recipe.Main.Columns = p.mainColumns(main)
	}
	p.indexes(s)
	p.wide(s)
	p.privacy(s)
}

func (p *parser) version(s section) {
	n := s.need("version", "write version: 1")
	if n != nil && (n.Kind != yaml.ScalarNode || n.Tag != "!!int" || n.Value != "1") {
		p.add(n, "write version: 1", "this quern reads version 1 of the language only")
	}
}

// document turns the text into the one YAML tree that is in it, without anchors, aliases, merge keys and tags. It
// returns nil where reading on makes no sense.
func (p *parser) document(text []byte) *yaml.Node {
	if len(text) > maxText {
		p.addAt(1, 1, "is this the data?", "a recipe has at most 1 MiB")
		return nil
	}
	if line, column, bad := unreadable(text); bad {
		p.addAt(line, column, "", "a recipe is UTF-8 text without control characters, and this is not")
		return nil
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	var doc, next yaml.Node
	if err := d.Decode(&doc); errors.Is(err, io.EOF) {
		p.addAt(1, 1, "quern recipe show prints one to start from", "the recipe is empty")
		return nil
	} else if err != nil {
		p.syntax(err, text)
		return nil
	}
	switch err := d.Decode(&next); {
	case err == nil:
		p.add(&next, "", "a recipe is one document; another begins here")
		return nil
	case !errors.Is(err, io.EOF):
		p.syntax(err, text)
		return nil
	}
	root := doc.Content[0]
	if isNull(root) {
		p.add(root, "quern recipe show prints one to start from", "the recipe is empty")
		return nil
	}
	if !p.plain(root, 0) {
		return nil
	}
	return root
}

// plain refuses what the language leaves out of YAML, and reports whether the tree can be read. It does not follow
// aliases, so a bomb made of them has no fuse.
func (p *parser) plain(n *yaml.Node, depth int) bool {
	switch {
	case n.Kind == yaml.AliasNode:
		return false // its anchor is reported
	case n.Anchor != "":
		p.add(n, "write the value out where it is used", "a recipe has no anchors (&%s)", bare(n.Anchor))
		return false
	case n.Style&yaml.TaggedStyle != 0:
		p.add(n, "", "a recipe has no tags (%s)", bare(n.Tag))
		return false
	case depth > maxDepth:
		p.add(n, "", "the recipe is nested too deeply")
		return false
	}
	ok := true
	for i, c := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 0 {
			switch {
			case c.Kind == yaml.ScalarNode && c.Tag == "!!merge":
				p.add(c, "write the keys out", "a recipe has no merge keys (<<)")
				ok = false
				continue
			case c.Kind == yaml.MappingNode || c.Kind == yaml.SequenceNode:
				p.add(c, "", "a key must be a word, not %s", describe(c))
				ok = false
				continue
			}
		}
		ok = p.plain(c, depth+1) && ok
	}
	if n.Kind == yaml.MappingNode && ok {
		p.unique(n)
	}
	return ok
}

// unique reports keys that a mapping has twice.
func (p *parser) unique(n *yaml.Node) {
	lines := make(map[string]int, len(n.Content)/2)
	for i := 0; i < len(n.Content); i += 2 {
		k := n.Content[i]
		if isTypeRest(n, i) {
			continue
		}
		if line, ok := lines[k.Value]; ok {
			p.add(k, "", "%s stands here twice; the other is in line %d", quote(k.Value), line)
			continue
		}
		lines[k.Value] = k.Line
	}
}
