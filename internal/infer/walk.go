package infer

import (
	"github.com/cespare/xxhash/v2"

	"quern/internal/core/decode"
)

// walker adds records to a tree. It walks JSON that decode.Lexer has found sound, and so checks nothing.
type walker struct {
	tree  *tree
	lexer decode.Lexer
	data  []byte
	at    order
}

// record adds a line, or says why it is none.
func (w *walker) record(line []byte, block, record int) *decode.Reject {
	if why := w.lexer.Check(line); why != nil {
		return why
	}
	w.data, w.at = line, order{block: block, record: record}
	root := w.tree.root
	root.seen++
	w.object(w.space(0)+1, root)
	return nil
}

func (w *walker) space(i int) int {
	for w.data[i] <= ' ' {
		i++
	}
	return i
}

// object walks an object; i is behind its brace.
func (w *walker) object(i int, n *node) int {
	n.objects++
	prev := -1
	if i = w.space(i); w.data[i] == '}' {
		return i + 1
	}
	for {
		key, end := w.lexer.Text(i)
		var k *node
		// Records of one source have their keys in one order, so the next is nearly always the one that was next before.
		if next := prev + 1; next < len(n.kids) && n.kids[next].key == string(key) {
			k, prev = n.kids[next], next
		} else if known, ok := n.byKey[string(key)]; ok {
			k, prev = n.kids[known], known
		} else {
			w.at.place++
			k = w.tree.kid(n, string(key), w.at)
			prev = len(n.kids) - 1
		}
		i = w.value(w.space(w.space(end)+1), k)
		if i = w.space(i); w.data[i] == '}' {
			return i + 1
		}
		i = w.space(i + 1)
	}
}

func (w *walker) value(i int, n *node) int {
	n.seen++
	switch w.data[i] {
	case '"':
		return w.text(i, n)
	case '{':
		return w.object(i+1, n)
	case '[':
		return w.array(i+1, n)
	case 'n':
		n.nulls++
		return i + 4
	case 't':
		n.bools++
		return i + 4
	case 'f':
		n.bools++
		return i + 5
	}
	v, end := w.lexer.Number(i)
	n.numbers.add(&v)
	if !n.listed {
		n.values.add(xxhash.Sum64(w.data[i:end]), 1)
	}
	return end
}

func (w *walker) text(i int, n *node) int {
	s, end := w.lexer.Text(i)
	n.strings.add(s, &w.lexer)
	// Whether all are numbers is told by the first that is none.
	if n.strings.numeric == n.strings.n-1 {
		if v, ok := w.lexer.Numeral(s); ok {
			n.strings.numeric++
			n.numerals.add(&v)
		}
	}
	if !n.listed {
		n.values.add(xxhash.Sum64(s), 1)
	}
	return end
}

func (w *walker) array(i int, n *node) int {
	n.arrays++
	if i = w.space(i); w.data[i] == ']' {
		n.empty++
		return i + 1
	}
	items := w.tree.itemsOf(n)
	for count := 1; ; count++ {
		i = w.space(w.value(i, items))
		if w.data[i] == ']' {
			n.widest = max(n.widest, count)
			return i + 1
		}
		i = w.space(i + 1)
	}
}
