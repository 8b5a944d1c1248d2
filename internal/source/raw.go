package source

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"math"
	"os"

	"quern/internal/remote"
	"quern/internal/spool"
)

// raw reads an input's bytes as they are stored: it counts them, hashes them, spools them if they come only once, and
// sees to it that a file is the one that the first pass read. A lane has one, for one input after the other.
type raw struct {
	pass *Reader
	mark *mark

	src  io.Reader
	file io.Closer   // to be closed; nil for stdin and for a spool
	stat *os.File    // the regular file to keep an eye on; nil for anything else
	tee  *spool.File // where the bytes go that come only once
	hash hash.Hash   // nil until a pass with Options.Digest needs it
	size int64       // bytes read so far
	end  error       // what ended src: io.EOF, or why it could not be read
	once bool        // it entered pass.wait
	from int64       // where in its file the text begins, which is then plain lines

	buffers *remote.Buffers // of an input by URL; nil until there is one
}

// open begins input i.
func (w *raw) open(i int) error {
	*w = raw{pass: w.pass, mark: &w.pass.set.marks[i], hash: w.hash, buffers: w.buffers}
	if w.pass.opt.Digest {
		if w.hash == nil {
			w.hash = sha256.New()
		}
		w.hash.Reset()
	}
	in := &w.pass.set.Inputs[i]
	var err error
	switch {
	case in.isHeld:
		w.src = bytes.NewReader(in.held)
	case in.remote != nil && in.Regular:
		err = w.openRemote(in)
	case in.Regular:
		err = w.openFile(in)
	case w.mark.whole:
		w.src = w.mark.spool.NewReader()
	case w.mark.seen:
		err = errors.New("it can be read only once, and the first pass did not read all of it")
	default:
		err = w.openOnce(in)
	}
	if err != nil {
		w.close()
	}
	return err
}

// openFile opens a file that can be read again.
func (w *raw) openFile(in *Input) error {
	if in.Path == "" {
		w.stat = w.pass.set.stdin.(*os.File)
		start := w.pass.set.stdinStart // not its position, which others share and an earlier pass would have moved
		w.src = io.NewSectionReader(w.stat, start, math.MaxInt64-start)
	} else {
		f, err := os.Open(in.Path)
		if err != nil {
			if w.mark.seen && errors.Is(err, fs.ErrNotExist) {
				return ErrChanged
			}
			return reason(err)
		}
		w.file, w.stat, w.src = f, f, f
	}
	if in.split != nil {
		section, from, err := in.split.section(w.stat)
		if err != nil {
			return reason(err)
		}
		w.src, w.from = section, from
	}
	if w.mark.seen {
		return w.unchanged()
	}
	info, err := w.stat.Stat()
	if err != nil {
		return reason(err)
	}
	w.mark.seen, w.mark.identity = true, identify(info)
	return nil
}

// openRemote opens an object by URL, which sees to it that it is the version that was found.
func (w *raw) openRemote(in *Input) error {
	if w.buffers == nil {
		w.buffers = remote.NewBuffers(w.pass.opt.Window)
	}
	var f io.ReadCloser
	var err error
	if in.split != nil && in.split.Cut {
		var end int64
		if w.from, end, err = in.split.bounds(in.remote.At(w.pass.life)); err == nil {
			f = in.remote.OpenRange(w.pass.life, w.buffers, w.from, end)
		}
	} else {
		f, err = in.remote.Open(w.pass.life, w.buffers)
	}
	if err != nil {
		return reason(err)
	}
	w.file, w.src, w.mark.seen = f, f, true
	return nil
}

// openOnce opens what can be read only once, and the spool for its bytes.
func (w *raw) openOnce(in *Input) error {
	f, err := spool.Create(w.pass.set.temp)
	if err != nil {
		return err
	}
	w.mark.seen, w.mark.spool, w.tee = true, f, f
	if in.remote != nil { // its reads end with the pass
		return w.openRemote(in)
	}
	w.once = true
	if in.Path == "" {
		w.src = w.pass.set.stdin
		return w.pass.wait.enter(w.pass, w.src)
	}
	// A named pipe blocks here until somebody opens its other end.
	if err := w.pass.wait.enter(w.pass, nil); err != nil {
		return err
	}
	pipe, err := os.Open(in.Path)
	if err != nil {
		return reason(err)
	}
	w.file, w.src = pipe, pipe
	return w.pass.wait.enter(w.pass, pipe)
}

// Read implements io.Reader. Once it has returned an error it returns it again: the end of a terminal's input, say, must
// not be followed by more.
func (w *raw) Read(p []byte) (int, error) {
	if w.end != nil {
		return 0, w.end
	}
	n, err := w.src.Read(p)
	if stopped := w.pass.stopped(); stopped != nil { // before anything is touched: Close may not have waited
		w.end = stopped
		return 0, stopped
	}
	w.size += int64(n)
	w.pass.read.Add(int64(n))
	if w.pass.opt.Digest {
		w.hash.Write(p[:n])
	}
	if err != nil && err != io.EOF {
		err = reason(err)
	}
	if w.tee != nil {
		if _, e := w.tee.Write(p[:n]); e != nil {
			err = e // says itself that it is about a temporary file, and where
		}
	}
	w.end = err
	return n, err
}

// failure is why the input could not be read to its end, which a decompressor may have hidden; nil at its end.
func (w *raw) failure() error {
	if w.end == io.EOF {
		return nil
	}
	return w.end
}

// finish ends an input that was read to its end.
func (w *raw) finish() error {
	if w.tee != nil {
		if err := w.tee.Finish(); err != nil {
			return err
		}
		w.mark.whole = true
	}
	return w.unchanged()
}

// unchanged compares a file with what the first pass opened.
func (w *raw) unchanged() error {
	if w.stat == nil {
		return nil
	}
	info, err := w.stat.Stat()
	if err != nil {
		return reason(err)
	}
	if identify(info) != w.mark.identity {
		return ErrChanged
	}
	return nil
}

func (w *raw) close() {
	if w.once {
		w.pass.wait.leave()
	}
	if w.file != nil {
		w.file.Close() // it was only read
		w.file = nil
	}
}

// sum is the digest of all that was read.
func (w *raw) sum() string { return hex.EncodeToString(w.hash.Sum(nil)) }

// reason takes the path out of an error, since InputError names the input.
func reason(err error) error {
	if errors.Is(err, remote.ErrChanged) {
		return ErrChanged
	}
	if r, ok := errors.AsType[*remote.Error](err); ok {
		bare := *r
		bare.URL = "it"
		return &bare
	}
	var p *fs.PathError
	if errors.As(err, &p) {
		return fmt.Errorf("cannot %s it: %w", p.Op, p.Err)
	}
	return err
}
