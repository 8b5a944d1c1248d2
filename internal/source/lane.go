package source

import (
	"io"
	"sync"
)

const (
	// pieceSize is how much text a lane hands on at once, or an eighth of a block if that is less. At 128 KiB a piece
	// costs nothing beside its bytes, and s2 finds what it finds in a megabyte (41.9 against 40.7 %).
	pieceSize = 128 << 10
	// laneDepth is how many pieces of a lane are in memory: one is filled, one kept, one read, the others wait.
	laneDepth = 6
)

// lane reads and decompresses an input in goroutines of its own, while it is cut or while an earlier one is. A Reader
// has as many as Options.Lanes, and each takes one input after the other. What is not compressed is only opened ahead
// of its turn. With no lanes in Options there is one that has no goroutine.
type lane struct {
	pass *Reader
	raw  raw
	inf  inflater
	kept keptReader

	input  int
	turn   chan struct{} // closed when it is the input's turn to be cut
	opened chan struct{} // closed when the next three are known
	err    error
	from   io.Reader // the text
	pumped bool      // the text comes through ready

	running sync.WaitGroup
	free    chan []byte // of size bytes
	size    int
	made    int // buffers

	mu    sync.Mutex
	ready []piece // read and not yet cut
	end   error   // what comes after them
	wake  chan struct{}

	keep   keeper
	cut    piece  // which Read is at
	rest   []byte // of it
	failed error  // what Read returns from now on
}

// piece is some text: in buf, or if that is nil in the file of what is kept.
type piece struct {
	buf []byte // to be given back
	n   int
	at  keptPiece
}

func newLane(r *Reader) *lane {
	l := &lane{pass: r, free: make(chan []byte, laneDepth), wake: make(chan struct{}, 1)}
	l.size = max(1<<10, min(pieceSize, r.opt.BlockSize/8))
	l.raw.pass = r
	l.keep.lane = l
	return l
}

// begin starts on input i.
func (l *lane) begin(i int) {
	l.input, l.turn, l.opened = i, make(chan struct{}), make(chan struct{})
	l.err, l.from, l.pumped = nil, nil, false
	l.end, l.rest, l.failed = nil, nil, nil
	l.keep.begin()
	r := l.pass
	if r.opt.Lanes == 0 {
		return
	}
	r.beginning.Lock() // against Close, which waits for those that have begun
	defer r.beginning.Unlock()
	if l.err = r.stopped(); l.err != nil {
		close(l.opened)
		return
	}
	l.start(l.run)
}

// start starts a goroutine of the lane.
func (l *lane) start(f func()) {
	l.running.Add(1)
	if !l.pass.set.Inputs[l.input].Regular {
		go func() { defer l.running.Done(); f() }()
		return
	}
	l.pass.prompt.Go(func() { defer l.running.Done(); f() })
}

// open waits until the input is open; its turn has come.
func (l *lane) open() error {
	close(l.turn)
	if l.pass.opt.Lanes == 0 {
		l.err = l.look()
		return l.err
	}
	<-l.opened // not before it: until then the lane alone may touch raw
	return l.err
}

// look opens the input and finds out what it is.
func (l *lane) look() error {
	s := l.pass.set
	if !s.Inputs[l.input].Regular { // what blocks is opened in its turn
		if err := l.waitTurn(); err != nil {
			return err
		}
	}
	if err := l.raw.open(l.input); err != nil {
		return err
	}
	if m := &s.marks[l.input]; m.kept.whole && !l.pass.opt.Digest {
		l.kept.reset(l.pass, m)
		l.from, l.inf.compression = &l.kept, m.kept.compression
		return nil
	}
	l.from = &l.inf
	return l.inf.open(&l.raw, l.waitTurn)
}

func (l *lane) waitTurn() error {
	select {
	case <-l.turn:
		return nil
	case <-l.pass.life.Done():
		return l.pass.stopped()
	}
}

// isTurn says whether the input is being cut.
func (l *lane) isTurn() bool {
	select {
	case <-l.turn:
		return true
	default:
		return false
	}
}

// run is the lane's goroutine: it opens the input and reads ahead in it.
func (l *lane) run() {
	l.err = l.look()
	l.pumped = l.err == nil && l.inf.compression != Plain
	close(l.opened)
	if !l.pumped {
		return
	}
	keep := l.keep.wanted()
	var pieces chan piece // to the goroutine that keeps them
	end := error(nil)
	for end == nil {
		buf := l.buffer()
		if buf == nil {
			end = l.pass.stopped()
			break
		}
		var p piece
		if p, end = l.fill(buf); p.n == 0 {
			l.free <- buf
			continue
		}
		switch {
		case !keep:
			l.hand(p)
		case pieces == nil && end != nil: // small
			l.hand(l.keep.put(p))
		default:
			if pieces == nil {
				pieces = make(chan piece, 1)
				l.start(func() {
					for p := range pieces {
						l.hand(l.keep.put(p))
					}
					l.finish(end)
				})
			}
			pieces <- p // received always
		}
	}
	if pieces != nil {
		close(pieces)
		return
	}
	l.finish(end)
}

// buffer returns one to fill, or nil if the pass has ended.
func (l *lane) buffer() []byte {
	select {
	case b := <-l.free:
		return b
	default:
	}
	if l.made < laneDepth {
		l.made++
		return make([]byte, l.size)
	}
	select {
	case b := <-l.free:
		return b
	case <-l.pass.life.Done():
		return nil
	}
}

// fill fills buf, unless the text ends or fails before.
func (l *lane) fill(buf []byte) (p piece, err error) {
	p.buf = buf
	for p.n < len(buf) && err == nil {
		var n int
		n, err = l.from.Read(buf[p.n:])
		p.n += n
	}
	return p, err
}

// hand gives a piece to Read. A lane before its turn does not wait for it: what is kept leaves the memory.
func (l *lane) hand(p piece) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if p.at.size > 0 && len(l.ready) >= laneDepth-3 && !l.isTurn() {
		l.free <- p.buf
		p.buf = nil
	}
	l.ready = append(l.ready, p)
	l.notify()
}

func (l *lane) finish(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.end = err
	l.notify()
}

func (l *lane) notify() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// Read implements io.Reader for what cuts the text.
func (l *lane) Read(p []byte) (int, error) {
	if !l.pumped {
		return l.from.Read(p)
	}
	if len(l.rest) == 0 && l.failed == nil {
		l.failed = l.next()
	}
	if l.failed != nil {
		return 0, l.failed
	}
	n := copy(p, l.rest)
	if l.rest = l.rest[n:]; len(l.rest) == 0 && l.cut.buf != nil {
		l.free <- l.cut.buf
		l.cut.buf = nil
	}
	return n, nil
}

// next waits for a piece.
func (l *lane) next() (err error) {
	for {
		l.mu.Lock()
		if len(l.ready) > 0 {
			l.cut = l.ready[0]
			l.ready = l.ready[1:]
			l.mu.Unlock()
			break
		}
		err = l.end
		l.mu.Unlock()
		if err != nil {
			return err
		}
		select {
		case <-l.wake:
		case <-l.pass.life.Done():
			return l.pass.stopped()
		}
	}
	if l.cut.buf != nil {
		l.rest = l.cut.buf[:l.cut.n]
		return nil
	}
	l.rest, err = l.kept.get(l.pass.set, l.cut.at, nil)
	return err
}

// done waits for the lane's goroutines, which have ended or will, and closes the input.
func (l *lane) done() {
	l.running.Wait()
	for _, p := range l.ready {
		if p.buf != nil {
			l.free <- p.buf
		}
	}
	l.ready = nil
	if l.cut.buf != nil {
		l.free <- l.cut.buf
		l.cut.buf = nil
	}
	l.raw.close()
}
