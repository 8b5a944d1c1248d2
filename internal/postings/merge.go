package postings

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// A merger makes one distinct stream of many runs, by a tournament tree of losers: a step costs one comparison for
// each doubling of their number.
type merger struct {
	runs  []run
	heads []head
	tree  []int // [0]: the head with the least pair; from 1: who lost in each match on its way there
	last  pair  // the pair given last, copied
	begun bool

	dropped int64
}

// A head is what a run is at.
type head struct {
	run  *runReader
	pair pair
	done bool
}

// newMerger merges runs, which are its own from then on. If it fails they are closed.
func newMerger(runs []run) (*merger, error) {
	m := &merger{runs: runs, heads: make([]head, len(runs)), tree: make([]int, len(runs))}
	for i := range m.tree {
		m.tree[i] = nobody
	}
	for i := range runs {
		m.heads[i].run = runs[i].open()
		if err := m.advance(i); err != nil {
			return nil, errors.Join(err, m.close())
		}
	}
	return m, nil
}

// nobody has been to a match that is yet to be played for the first time.
const nobody = -1

func (m *merger) next(p *pair) error {
	for {
		winner := m.tree[0]
		h := &m.heads[winner]
		if h.done {
			return io.EOF
		}
		newKey := !m.begun || !bytes.Equal(h.pair.key, m.last.key)
		fresh := newKey || !bytes.Equal(h.pair.value, m.last.value)
		if newKey {
			m.last.key = append(m.last.key[:0], h.pair.key...)
		}
		if fresh {
			m.last.value = append(m.last.value[:0], h.pair.value...)
		} else {
			m.dropped++
		}
		m.begun = true
		if err := m.advance(winner); err != nil {
			return err
		}
		if fresh {
			*p = pair{m.last.key, m.last.value, newKey}
			return nil
		}
	}
}

// advance moves head i to its next pair and plays its matches again.
func (m *merger) advance(i int) error {
	h := &m.heads[i]
	if err := h.run.next(&h.pair); err == io.EOF {
		h.done = true
	} else if err != nil {
		return err
	}
	for match := (i + len(m.heads)) / 2; match > 0; match /= 2 {
		switch other := m.tree[match]; {
		case other == nobody:
			m.tree[match] = i
			return nil
		case m.less(other, i):
			m.tree[match], i = i, other
		}
	}
	m.tree[0] = i
	return nil
}

func (m *merger) less(a, b int) bool {
	x, y := &m.heads[a], &m.heads[b]
	if x.done || y.done {
		return !x.done
	}
	if c := bytes.Compare(x.pair.key, y.pair.key); c != 0 {
		return c < 0
	}
	return bytes.Compare(x.pair.value, y.pair.value) < 0
}

func (m *merger) repeats() int64 { return m.dropped }

// close gives up the runs and their space. It may be called again.
func (m *merger) close() error {
	err := closeRuns(m.runs)
	m.runs = nil
	return err
}

func closeRuns(runs []run) error {
	var errs []error
	for _, r := range runs {
		if err := r.file.Close(); err != nil {
			errs = append(errs, fmt.Errorf("cannot remove spilled postings: %w", err))
		}
	}
	return errors.Join(errs...)
}
