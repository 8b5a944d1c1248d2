package parquet

import (
	"fmt"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"

	"quern/internal/zstdlit"
)

// Compression is the codec of the columns that it makes smaller.
type Compression uint8

// The codecs.
const (
	Zstd Compression = iota
	Snappy
	None
)

// minGain is the part of its bytes, one in minGain, that a column's first page must lose for the column to be
// compressed: less is not worth the reader's time.
const minGain = 25

// codec is c in the file's metadata.
func (c Compression) codec() int {
	switch c {
	case Zstd:
		return 6
	case Snappy:
		return 1
	}
	return 0
}

const (
	// maxLoss is the part of a text page's compressed size, one in maxLoss, that the search for matches must save to be
	// kept: ids and tokens have none, and without it they are compressed 2.5 times as fast.
	maxLoss = 100
	// trialText is how much of a text is compressed both ways: a long list is one page of any size.
	trialText = 1 << 20
)

// packing is how a column's pages are compressed.
type packing struct {
	codec  Compression
	random bool // text is not searched for matches
}

// compressor holds the memory of one goroutine's compression.
type compressor struct {
	zstd    *zstd.Encoder
	zstdlit zstdlit.Encoder
	head    []byte // of a page: what is before its text, compressed
}

// append appends src, compressed, to dst, which must not be None.
func (c *compressor) append(dst []byte, codec Compression, src []byte) []byte {
	if codec == Snappy {
		n := len(dst)
		dst = extend(dst, s2.MaxEncodedLen(len(src)))
		return dst[:n+len(s2.EncodeSnappy(dst[n:], src))]
	}
	if c.zstd == nil {
		c.zstd = newZstd()
	}
	return c.zstd.EncodeAll(src, dst)
}

// appendRandom appends src, a page whose last bytes are so many of text, to dst: as append with Zstd, but without a
// search for matches in the text. It returns false if the text is not of the kind.
func (c *compressor) appendRandom(dst, src []byte, text int) ([]byte, bool) {
	if text == 0 {
		return dst, false
	}
	rest := len(src) - text
	c.head = c.append(c.head[:0], Zstd, src[:rest])
	return c.zstdlit.Append(dst, c.head, rest, src[rest:])
}

// tryRandom says whether appendRandom makes the page about as small as append does. It tries in scratch.
func (c *compressor) tryRandom(scratch, src []byte, text int) (kept []byte, ok bool) {
	if text == 0 {
		return scratch, false
	}
	tried := min(text, trialText)
	src = src[:len(src)-text+tried]
	scratch = c.append(scratch[:0], Zstd, src)
	searched := len(scratch)
	scratch, ok = c.appendRandom(scratch, src, tried)
	return scratch, ok && len(scratch)-searched <= searched+searched/maxLoss
}

// newZstd returns an encoder for pages. Ids and tokens are random text: no matches, but only 16 or 64 of 256
// characters. The fastest level gives such blocks up unless told to entropy-code literals always; told so, it is
// five times as fast as level 3 and a tenth smaller.
func newZstd() *zstd.Encoder {
	e, err := zstd.NewWriter(nil,
		zstd.WithEncoderLevel(zstd.SpeedFastest),
		zstd.WithAllLitEntropyCompression(true),
		zstd.WithEncoderConcurrency(1),
		zstd.WithLowerEncoderMem(true),
		zstd.WithWindowSize(1<<20),
		zstd.WithEncoderCRC(false),
	)
	if err != nil {
		panic(fmt.Sprintf("parquet: BUG: zstd options: %v", err))
	}
	return e
}
