package source

import "bytes"

// cutter cuts one input into blocks.
type cutter struct {
	pass   *Reader
	input  int
	offset int64 // of the first byte of the block being filled
	line   int64 // on which that byte is
	ended  bool  // nothing is left to read

	// Where an error of the text is, for InputError.
	errLine, errOffset int64
}

// fill fills p and notes the end of the input. held is how many bytes of the block stand before p.
func (c *cutter) fill(p []byte, held int64) (int, error) {
	if c.ended {
		return 0, nil
	}
	n, err := c.pass.stream.fill(p)
	if err != nil {
		c.errOffset = c.offset + held + int64(n)
		return n, err
	}
	c.ended = n < len(p)
	return n, nil
}

// lines cuts NDJSON. A block is filled to the brim and cut after its last newline; what follows moves to the next
// block. Only a line that is longer than a block makes it grow, by as much again, until the line ends or is too long.
func (c *cutter) lines() error {
	size := c.pass.opt.BlockSize
	b, n := c.pass.get(), 0
	for {
		m, err := c.fill(b.buf[n:size], int64(n))
		if err != nil {
			return err
		}
		n += m
		cut := bytes.LastIndexByte(b.buf[:n], '\n') + 1
		for cut == 0 && !c.ended {
			if int64(n) > c.pass.opt.MaxLine+1 { // and one for the CR of its end
				break
			}
			b.grow(n+size, n)
			if m, err = c.fill(b.buf[n:n+size], int64(n)); err != nil {
				return err
			}
			if i := bytes.LastIndexByte(b.buf[n:n+m], '\n'); i >= 0 {
				cut = n + i + 1
			}
			n += m
		}
		switch {
		case c.ended:
			if n == 0 {
				c.pass.set.pool.put(b)
				return nil
			}
			return c.emit(b, n)
		case cut == 0:
			b, n, err = c.skipLine(b, n)
		default:
			next := c.pass.get()
			rest := copy(next.buf, b.buf[cut:n])
			err = c.emit(b, cut)
			b, n = next, rest
		}
		if err != nil {
			return err
		}
	}
}

// skipLine reads to the end of a line that is too long, of which b holds the first n bytes and nothing else. The line
// becomes a block of its own. What was read beyond it begins the block that skipLine returns.
func (c *cutter) skipLine(b *Block, n int) (next *Block, rest int, err error) {
	next = c.pass.get()
	length, last := int64(n), b.buf[n-1]
	ended := false // by a newline
	for !ended && !c.ended {
		m, err := c.fill(next.buf, length)
		if err != nil {
			return nil, 0, err
		}
		line, after, found := bytes.Cut(next.buf[:m], newline)
		length += int64(len(line))
		if len(line) > 0 {
			last = line[len(line)-1]
		}
		if ended = found; ended {
			rest = copy(next.buf, after)
		}
	}
	whole := length
	if ended {
		whole++
		if last == '\r' {
			length--
		}
	}
	return next, rest, c.emitLong(b, length, whole, 1)
}

// emit hands out the first n bytes of b's buffer. b is the consumer's from here on.
func (c *cutter) emit(b *Block, n int) error {
	b.Input, b.data, b.offset, b.line = c.input, b.buf[:n], c.offset, c.line
	c.advance(b.data)
	return c.pass.emit(b)
}

// advance moves the place to behind p.
func (c *cutter) advance(p []byte) {
	c.offset += int64(len(p))
	c.line += int64(bytes.Count(p, newline))
}

// emitLong hands out a block that stands for a record too long, which begins at c.offset and has length bytes. whole
// and lines are how far it moves the place of what follows.
func (c *cutter) emitLong(b *Block, length, whole, lines int64) error {
	b.alone, b.long = true, Record{Offset: c.offset, Length: length, Line: c.line, TooLong: true}
	b.Input, b.data, b.offset, b.line = c.input, nil, c.offset, c.line
	c.offset += whole
	c.line += lines
	return c.pass.emit(b)
}
