package postings

// An arena holds byte strings in chunks that are allocated once, never moved and recycled by reset. Growing by
// chunks costs no copies and wastes a chunk at most, where a doubling slice would hold three times its contents
// while it grows.
//
// A place in it is a uint32: the number of the chunk, and chunkBits bits of position inside. A string that needs
// more than a chunk gets a longer one to itself, and so begins within its first chunkBits bits too.
type arena struct {
	chunkSize int      // at most 1 << chunkBits
	chunks    [][]byte // in use; the last one is being filled
	free      [][]byte // of chunkSize, for reuse
	size      int64    // capacity of chunks
}

const (
	chunkBits = 20
	maxChunks = 1 << (32 - chunkBits)
)

// room returns the chunk that has n bytes left, and the place of its next byte. The caller appends at most n bytes
// to it.
func (a *arena) room(n int) (chunk *[]byte, place uint32) {
	last := len(a.chunks) - 1
	if last < 0 || len(a.chunks[last])+n > cap(a.chunks[last]) || len(a.chunks[last]) >= 1<<chunkBits {
		a.grow(n)
		last++
	}
	chunk = &a.chunks[last]
	return chunk, uint32(last)<<chunkBits | uint32(len(*chunk))
}

func (a *arena) grow(n int) {
	var c []byte
	switch last := len(a.free) - 1; {
	case n > a.chunkSize:
		c = make([]byte, 0, n)
	case last >= 0:
		c, a.free = a.free[last], a.free[:last]
	default:
		c = make([]byte, 0, a.chunkSize)
	}
	a.chunks = append(a.chunks, c)
	a.size += int64(cap(c))
}

// full reports that the next string may have no place that a uint32 can name.
func (a *arena) full() bool { return len(a.chunks) >= maxChunks }

// at returns the n bytes at place. They are the arena's, and valid until reset.
func (a *arena) at(place, n uint32) []byte {
	p := place & (1<<chunkBits - 1)
	return a.chunks[place>>chunkBits][p : p+n]
}

// reset empties a and keeps its chunks of the usual size.
func (a *arena) reset() {
	for i, c := range a.chunks {
		if cap(c) == a.chunkSize {
			a.free = append(a.free, c[:0])
		}
		a.chunks[i] = nil
	}
	a.chunks, a.size = a.chunks[:0], 0
}
