package parquet

import (
	"fmt"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
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

// compressor holds the memory of one goroutine's compression.
type compressor struct{ zstd *zstd.Encoder }

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
