package source

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/klauspost/compress/s2"

	"quern/internal/spool"
)

// What a pass has inflated with effort is kept for the next one: compressed by s2, which is quick, and sealed, in one
// temporary file for all inputs. Nothing depends on it: what could not be kept is inflated again.
//
// A gigabyte takes 3.3 CPU seconds to inflate from gzip, and 2.2 to keep and to get again. From zstd it takes 1.4, so
// zstd is not kept.

// keptPiece is where a piece is. It is empty if the piece is not kept.
type keptPiece struct {
	spool.Piece
	size int32 // of the text
}

// keptPieceBytes is the memory that a keptPiece takes.
const keptPieceBytes = 24

// kept is the text of an input.
type kept struct {
	pieces      []keptPiece
	whole       bool
	compression Compression
	raw         int64 // bytes of the input as stored
}

// store is the file. Tests replace it.
type store interface {
	Put([]byte) (spool.Piece, error)
	Get(spool.Piece, []byte) ([]byte, error)
	Close() error
}

// keeping is what the lanes of a Set share.
type keeping struct {
	once   sync.Once
	file   store        // nil if there is none
	pieces atomic.Int64 // in it
}

func (k *keeping) open(dir string) bool {
	k.once.Do(func() {
		if k.file != nil {
			return
		}
		if f, err := spool.CreatePieces(dir); err == nil {
			k.file = f
		}
	})
	return k.file != nil
}

// keeper keeps the text of a lane's input.
type keeper struct {
	lane   *lane
	pieces []keptPiece
	given  bool // up
	buf    []byte
}

func (k *keeper) begin() { k.pieces, k.given = nil, false }

// wanted says whether the input is to be kept.
func (k *keeper) wanted() bool {
	p := k.lane.pass
	k.given = p.opt.Keep <= 0 || k.lane.inf.compression != Gzip || p.set.marks[k.lane.input].kept.whole || !p.set.keeping.open(p.set.temp)
	return !k.given
}

// put keeps a piece, if it can.
func (k *keeper) put(p piece) piece {
	pass := k.lane.pass
	if k.given {
		return p
	}
	if k.buf == nil {
		k.buf = make([]byte, s2.MaxEncodedLen(k.lane.size)+spool.Overhead)
	}
	share := &pass.set.keeping
	err := pass.life.Err() // the file may be closed
	if share.pieces.Add(1)*keptPieceBytes > pass.opt.Keep {
		err = spool.ErrFull
	}
	var at spool.Piece
	if err == nil {
		at, err = share.file.Put(s2.Encode(k.buf, p.buf[:p.n]))
	}
	if err != nil {
		k.given, k.pieces = true, nil
		return p
	}
	p.at = keptPiece{at, int32(p.n)}
	k.pieces = append(k.pieces, p.at)
	return p
}

// done leaves what was kept of an input that was read to its end to the next pass.
func (k *keeper) done(m *mark) {
	if !k.given && k.lane.pumped {
		m.kept = kept{slices.Clip(k.pieces), true, k.lane.inf.compression, k.lane.raw.size}
	}
}

// keptReader reads what was kept.
type keptReader struct {
	pass   *Reader
	from   *kept
	next   int
	text   []byte // a buffer
	rest   []byte // of text
	sealed []byte // a buffer
	read   int64
	err    error
}

func (r *keptReader) reset(pass *Reader, m *mark) {
	r.pass, r.from, r.next, r.rest, r.read, r.err = pass, &m.kept, 0, nil, 0, nil
}

// Read implements io.Reader. Into a large p it puts whole pieces.
func (r *keptReader) Read(p []byte) (n int, err error) {
	for len(r.rest) == 0 && r.err == nil {
		if r.next == len(r.from.pieces) {
			r.err = io.EOF
			break
		}
		at := r.from.pieces[r.next]
		r.next++
		var text []byte
		if text, r.err = r.get(r.pass.set, at, p); r.err != nil {
			break
		}
		r.progress()
		if len(p) >= len(text) {
			return len(text), nil
		}
		r.rest = text
	}
	if r.err != nil {
		return 0, r.err
	}
	n = copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// progress counts the bytes of the input that were not read.
func (r *keptReader) progress() {
	read := r.from.raw * int64(r.next) / int64(len(r.from.pieces))
	r.pass.read.Add(read - r.read)
	r.read = read
}

// get gets a piece, into p if that is large enough.
func (r *keptReader) get(s *Set, at keptPiece, p []byte) ([]byte, error) {
	if n := s2.MaxEncodedLen(int(at.size)) + spool.Overhead; len(r.sealed) < n {
		r.sealed = make([]byte, n)
	}
	small, err := s.keeping.file.Get(at.Piece, r.sealed)
	if err != nil {
		return nil, err
	}
	if len(p) < int(at.size) {
		if len(r.text) < int(at.size) {
			r.text = make([]byte, at.size)
		}
		p = r.text
	}
	text, err := s2.Decode(p[:at.size], small)
	if err == nil && len(text) != int(at.size) {
		err = errors.New("another length")
	}
	if err != nil {
		return nil, fmt.Errorf("BUG: source: what was kept is not what comes back: %w", err)
	}
	return text, nil
}
