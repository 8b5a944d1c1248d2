package postings

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"quern/internal/spool"
)

// errRun says that a run is not what was written. The file underneath is authenticated, so that this is a bug of
// ours or of the machine's.
var errRun = errors.New("BUG: postings: a run of spilled pairs is damaged")

// A file is a spool.File; tests have others.
type file interface {
	io.WriteCloser
	Finish() error
	NewReader() io.Reader
}

type sealed struct{ *spool.File }

func (f sealed) NewReader() io.Reader { return f.File.NewReader() }

func createSealed(dir string) (file, error) {
	f, err := spool.Create(dir)
	if err != nil {
		return nil, err
	}
	return sealed{f}, nil
}

// A run is a file of distinct pairs in order. Each pair is
//
//	uvarint  bytes of the value shared with the value before, times 2, plus 1 if the key is another
//	uvarint  bytes of the value that follow those
//	uvarint  bytes of the key shared with the key before   } only if
//	uvarint  bytes of the key that follow those            } it is another
//	the rest of the key, the rest of the value
//
// What is shared is maximal. The first pair is behind an empty key with an empty value and always of another key.
type run struct {
	file  file
	pairs int64
	size  int64
	level int // how many merges are behind it
}

const (
	maxPairHeader = 4 * binary.MaxVarintLen64

	// The file seals frames of 64 KiB; a buffer in front of it only has to save calls.
	runBuffer = 4 << 10
)

// writeRun writes all of s to f, which is the run's from then on. If it fails, f is closed.
func writeRun(f file, s stream, level int) (r run, err error) {
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close())
		}
	}()
	r = run{file: f, level: level}
	w := bufio.NewWriterSize(f, runBuffer)
	var (
		p          pair
		key, value []byte
	)
	for {
		if err := s.next(&p); err == io.EOF {
			break
		} else if err != nil {
			return r, err
		}
		shared := commonPrefix(value, p.value)
		rest := p.value[shared:]
		var keyRest []byte

		header := w.AvailableBuffer()
		if p.newKey {
			sharedKey := commonPrefix(key, p.key)
			keyRest = p.key[sharedKey:]
			header = binary.AppendUvarint(header, uint64(shared)<<1|1)
			header = binary.AppendUvarint(header, uint64(len(rest)))
			header = binary.AppendUvarint(header, uint64(sharedKey))
			header = binary.AppendUvarint(header, uint64(len(keyRest)))
			key = append(key[:sharedKey], keyRest...)
		} else {
			header = binary.AppendUvarint(header, uint64(shared)<<1)
			header = binary.AppendUvarint(header, uint64(len(rest)))
		}
		value = append(value[:shared], rest...)

		// A bufio.Writer keeps its first error, and Flush returns it.
		w.Write(header)
		w.Write(keyRest)
		w.Write(rest)
		r.pairs++
		r.size += int64(len(header) + len(keyRest) + len(rest))
	}
	if err := w.Flush(); err != nil {
		return r, fmt.Errorf("cannot spill postings: %w", err)
	}
	if err := f.Finish(); err != nil {
		return r, fmt.Errorf("cannot spill postings: %w", err)
	}
	return r, nil
}

// A runReader is the stream of a run. It takes nothing on trust: lengths, order, the number of pairs and the end of
// the file are all checked.
type runReader struct {
	r          *bufio.Reader
	pairs      int64 // not yet read
	size       int64 // bytes not yet read
	begun      bool
	key, value []byte
}

func (r run) open() *runReader {
	return &runReader{r: bufio.NewReaderSize(r.file.NewReader(), runBuffer), pairs: r.pairs, size: r.size}
}

func (r *runReader) next(p *pair) error {
	if r.pairs == 0 {
		return r.end()
	}
	header, err := r.r.Peek(maxPairHeader)
	if err != nil && err != io.EOF { // the last pairs are shorter than the longest header
		return fmt.Errorf("cannot read spilled postings: %w", err)
	}
	h := uvarints{buf: header}
	shared, rest := h.next(), h.next()
	newKey := shared&1 != 0
	shared >>= 1
	rises := false
	if newKey {
		sharedKey, restKey := h.next(), h.next()
		if err = r.skip(h); err == nil {
			r.key, rises, err = r.extend(r.key, sharedKey, restKey)
		}
		if err == nil {
			rises = rises || !r.begun
			r.value, _, err = r.extend(r.value, shared, rest)
		}
	} else if err = r.skip(h); err == nil {
		r.value, rises, err = r.extend(r.value, shared, rest)
		rises = rises && r.begun
	}
	if err != nil {
		return err
	}
	if !rises {
		return fmt.Errorf("%w: a pair is out of order", errRun)
	}
	r.begun = true
	r.pairs--
	*p = pair{r.key, r.value, newKey}
	return nil
}

// skip moves r behind the numbers that h took from its buffer.
func (r *runReader) skip(h uvarints) error {
	if h.bad {
		return fmt.Errorf("%w: no pair where one begins", errRun)
	}
	r.r.Discard(h.n)
	r.size -= int64(h.n)
	return nil
}

// extend keeps the first shared bytes of s and reads rest more behind them. It reports whether the result is greater
// than s was, which takes no comparison where shared is maximal.
func (r *runReader) extend(s []byte, shared, rest uint64) (_ []byte, greater bool, err error) {
	if shared > uint64(len(s)) || int64(rest) < 0 || int64(rest) > r.size {
		return s, false, fmt.Errorf("%w: a length that it cannot have", errRun)
	}
	if rest == 0 {
		return s[:shared], false, nil
	}
	before := -1
	if shared < uint64(len(s)) {
		before = int(s[shared])
	}
	s = slices.Grow(s[:shared], int(rest))[:shared+rest]
	if _, err := io.ReadFull(r.r, s[shared:]); err == io.EOF || err == io.ErrUnexpectedEOF {
		return s, false, fmt.Errorf("%w: it ends within a pair", errRun)
	} else if err != nil {
		return s, false, fmt.Errorf("cannot read spilled postings: %w", err)
	}
	r.size -= int64(rest)
	return s, int(s[shared]) > before, nil
}

// end is io.EOF if the run ends where it should.
func (r *runReader) end() error {
	switch _, err := r.r.ReadByte(); {
	case err == nil || r.size != 0:
		return fmt.Errorf("%w: it does not end with its last pair", errRun)
	case err != io.EOF:
		return fmt.Errorf("cannot read spilled postings: %w", err)
	}
	return io.EOF
}

// uvarints reads numbers from the start of buf.
type uvarints struct {
	buf []byte
	n   int // bytes read
	bad bool
}

func (u *uvarints) next() uint64 {
	v, n := binary.Uvarint(u.buf[u.n:])
	if n <= 0 {
		u.bad = true
		return 0
	}
	u.n += n
	return v
}
