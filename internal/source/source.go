// Package source turns command-line arguments into blocks of whole records with their positions, in input order, as
// often as there are passes.
//
// Expand checks the arguments and lists the inputs; Set.Open starts a pass over all of them; Reader.Next hands out
// blocks; Block.Next hands out a block's records. An input is plain, gzip or zstd, and lines or a JSON array, told by
// its first bytes. It is a file, or an object by URL. Where blocks begin and end depends on nothing but the bytes of the (decompressed) input and on
// Options.BlockSize and MaxLine: passes that agree on those see the same blocks.
//
// What cannot be read twice (a pipe, a terminal) is copied into a sealed temporary file during the first pass. A file
// that changes between or during passes is ErrChanged. An input that is damaged or cut ends the pass with an error;
// it never ends early in silence.
package source

import (
	"context"
	"errors"
	"io"
	"os"
	"slices"

	"quern/internal/remote"
	"quern/internal/spool"
)

// Sizes used where Options leave them zero.
const (
	// DefaultBlockSize is large enough that what a block costs (a channel, a free list, a system call) vanishes, and
	// small enough that those in flight stay in the cache of the machine and in the budget.
	DefaultBlockSize = 1 << 20
	// DefaultMaxLine bounds the memory that one broken line can take.
	DefaultMaxLine = 64 << 20
)

// Input is one input in its place.
type Input struct {
	Name    string // as the user knows it: the argument, or the path that it expanded to; "-" is stdin
	Path    string // what is opened; empty for stdin
	Size    int64  // in bytes, as stored; -1 if unknown
	Regular bool   // a regular file, read again in a later pass; anything else is spooled

	remote *remote.File // of a URL
	held   []byte       // all of it, if isHeld
	isHeld bool
	split  *Split // what of a file is read; nil: all of it
}

// Set is the inputs of a run. One pass is open at a time: close its Reader before the next Open and before Close.
type Set struct {
	Inputs []Input

	ctx        context.Context
	remote     *remote.Client
	stdin      io.Reader
	stdinStart int64  // where stdin stood, if it is a regular file
	temp       string // where spools go
	marks      []mark // what the first pass saw of each input; the goroutines of the open pass have it
	keeping    keeping
	pool       pool
}

// mark is what the first pass over an input leaves for later ones.
type mark struct {
	seen     bool
	identity identity    // of a regular file
	spool    *spool.File // the bytes of anything else
	whole    bool        // spool holds all of them
	kept     kept        // the text, if it was kept
}

// LaneMemory is what a lane holds: pieces, the window of a decompressor, and the buffers between them. An input that
// takes a larger window waits for its turn.
const LaneMemory = laneDepth*pieceSize + 3*pieceSize + aheadWindow

// Options are those of one pass.
type Options struct {
	BlockSize int   // bytes of a block; DefaultBlockSize if 0
	MaxLine   int64 // bytes of a record beyond which it is skipped as too long; DefaultMaxLine if 0
	Digest    bool  // compute the SHA-256 of each input's raw bytes
	// Lanes is how many inputs, the one that is being cut and those that follow, are read and decompressed at the same
	// time by goroutines of their own; 0: one, by the goroutine that cuts. No block depends on it. A lane holds LaneMemory.
	Lanes int
	// Keep is the memory in bytes that may be spent on remembering where the text of gzip inputs is kept in a temporary
	// file, so that a pass without Digest need not inflate them again; 0: none is kept. It takes lanes.
	Keep int64
	// FirstLine is the number of the first line; 1 if 0.
	FirstLine int64
	// Window is what each lane holds of an input by URL; the default if zero.
	Window remote.Window
}

func (o Options) withDefaults() Options {
	if o.BlockSize <= 0 {
		o.BlockSize = DefaultBlockSize
	}
	if o.MaxLine <= 0 {
		o.MaxLine = DefaultMaxLine
	}
	if o.Window == (remote.Window{}) {
		o.Window = remote.DefaultWindow
	}
	o.FirstLine = max(o.FirstLine, 1)
	o.MaxLine = min(o.MaxLine, 1<<40) // so that sums with it do not overflow
	return o
}

// Open starts a pass over all inputs. The Reader must be closed.
func (s *Set) Open(ctx context.Context, o Options) *Reader {
	r := newReader(ctx, s, o.withDefaults())
	go r.run()
	return r
}

// Remote says that inputs are read by URL.
func (s *Set) Remote() bool {
	return slices.ContainsFunc(s.Inputs, func(in Input) bool { return in.remote != nil })
}

// Close frees what the passes shared: buffers, and the spools of inputs that cannot be read twice.
func (s *Set) Close() error {
	var errs []error
	if f := s.keeping.file; f != nil {
		errs = append(errs, f.Close())
	}
	for i := range s.marks {
		if f := s.marks[i].spool; f != nil {
			errs = append(errs, f.Close())
		}
	}
	s.pool.drop()
	return errors.Join(errs...)
}

// identity is what tells whether a regular file is still the same.
type identity struct {
	size, modified int64
	device, inode  uint64
}

func identify(info os.FileInfo) identity {
	id := identity{size: info.Size(), modified: info.ModTime().UnixNano()}
	id.device, id.inode = inodeOf(info)
	return id
}
