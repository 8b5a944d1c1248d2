package parquet

// blockSize is large enough for a write, and small beside a row group's leaf.
const blockSize = 64 << 10

// blocks is a byte buffer that grows without moving: encoded pages are many megabytes, and fresh memory to copy
// them to costs more than all that is done with them.
type blocks struct {
	list [][]byte
	size int64
}

// append appends p, in blocks of which free has recycled ones.
func (b *blocks) append(p []byte, free *freeBlocks) {
	b.size += int64(len(p))
	for len(p) > 0 {
		n := len(b.list)
		if n == 0 || len(b.list[n-1]) == blockSize {
			b.list = append(b.list, free.take())
			continue
		}
		last := b.list[n-1]
		k := min(len(p), blockSize-len(last))
		b.list[n-1] = append(last, p[:k]...)
		p = p[k:]
	}
}

// freeBlocks is blocks to be used again.
type freeBlocks [][]byte

func (f *freeBlocks) take() []byte {
	n := len(*f)
	if n == 0 {
		return make([]byte, 0, blockSize)
	}
	b := (*f)[n-1]
	*f = (*f)[:n-1]
	return b
}

// release empties b and takes back its blocks.
func (f *freeBlocks) release(b *blocks) {
	for _, block := range b.list {
		*f = append(*f, block[:0])
	}
	b.list, b.size = b.list[:0], 0
}
