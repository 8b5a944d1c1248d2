package source

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

const (
	// maxWindow is the memory that a zstd input may demand: eight times the window of zstd -19.
	maxWindow = 64 << 20
	// aheadWindow is what it may demand before its turn, when others hold memory too: the window of zstd -19.
	aheadWindow = 8 << 20
)

// inflater reads an input's text, decompressed if need be. It keeps its buffers and decompressors from input to input.
type inflater struct {
	compression Compression

	raw  *raw
	in   *bufio.Reader // over raw
	gzip *gzip.Reader
	zstd *zstd.Decoder
	from io.Reader // in, or the decompressor over it
	err  error     // what ended it
}

// open begins the input that raw has opened. Where decompressing it takes much memory, wait is called first.
func (s *inflater) open(w *raw, wait func() error) error {
	if s.in == nil {
		s.in = bufio.NewReaderSize(nil, sniff)
	}
	s.raw, s.err = w, nil
	s.in.Reset(w)
	if w.from > 0 { // what stands there is a line, whatever it looks like
		s.compression = Plain
		return s.decompress()
	}
	head, _ := s.in.Peek(4)
	if err := w.failure(); err != nil {
		return err
	}
	var err error
	if s.compression, err = compressionOf(head); err != nil {
		return err
	}
	if s.compression == Zstd && s.heavy() {
		if err := wait(); err != nil {
			return err
		}
	}
	if err := s.decompress(); err != nil {
		return s.explain(err)
	}
	return nil
}

func (s *inflater) decompress() (err error) {
	switch s.compression {
	case Gzip:
		if s.gzip == nil {
			s.gzip = new(gzip.Reader)
		}
		s.from = s.gzip
		return s.gzip.Reset(s.in)
	case Zstd:
		if s.zstd == nil {
			s.zstd, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
				zstd.WithDecoderMaxMemory(maxWindow))
			if err != nil {
				return err
			}
		}
		s.from = s.zstd
		return s.zstd.Reset(s.in)
	}
	s.from = s.in
	return nil
}

// heavy says that a zstd input may take more than aheadWindow. What cannot be told is.
func (s *inflater) heavy() bool {
	head, _ := s.in.Peek(zstd.HeaderMaxSize)
	var h zstd.Header
	return h.Decode(head) != nil || h.Skippable || h.WindowSize > aheadWindow || h.SingleSegment && h.FrameContentSize > aheadWindow
}

// Read implements io.Reader. Its errors say what is wrong with the input.
func (s *inflater) Read(p []byte) (n int, err error) {
	if s.err != nil {
		return 0, s.err
	}
	n, err = s.from.Read(p)
	switch failure := s.raw.failure(); {
	case err == nil:
	case err != io.EOF:
		s.err = s.explain(err)
	case failure != nil:
		s.err = failure
	default:
		s.err = io.EOF
	}
	return n, s.err
}

// explain says what an error of a decompressor's means.
func (s *inflater) explain(err error) error {
	if failure := s.raw.failure(); failure != nil {
		return failure
	}
	switch name := s.compression; {
	case name == Plain:
		return err
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%w: it ends inside the %s data; get a whole copy of it", ErrCut, name)
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, zstd.ErrMagicMismatch):
		return fmt.Errorf("%w: something that is not %s stands between or after its parts (%w); get a whole copy of it, or cut that off", ErrCorrupt, name, err)
	case errors.Is(err, zstd.ErrWindowSizeExceeded), errors.Is(err, zstd.ErrDecoderSizeExceeded):
		return fmt.Errorf("to decompress it takes more than %d MiB of memory; compress it again without --long and --ultra (%w)", maxWindow>>20, err)
	case errors.Is(err, zstd.ErrUnknownDictionary):
		return fmt.Errorf("it was compressed with a dictionary; compress it again without one (%w)", err)
	default:
		return fmt.Errorf("%w: its %s data do not decompress (%w); get a whole copy of it", ErrCorrupt, name, err)
	}
}

// close frees the decompressors.
func (s *inflater) close() {
	if s.zstd != nil {
		s.zstd.Close()
	}
}

// compressionOf tells it by the first four bytes, or all if there are fewer.
func compressionOf(head []byte) (Compression, error) {
	const zstdMagic, gzipMagic = "\x28\xb5\x2f\xfd", "\x1f\x8b"
	h := string(head)
	switch {
	case len(h) >= 2 && h[:2] == gzipMagic:
		return Gzip, nil
	case h == zstdMagic, len(h) == 4 && h[0]&0xf0 == 0x50 && h[1:] == "\x2a\x4d\x18": // or a skippable frame
		return Zstd, nil
	case h != "" && len(h) < 4 && (h == gzipMagic[:1] || h == zstdMagic[:len(h)]): // neither begins any JSON
		return "", fmt.Errorf("%w: it ends inside the first bytes of compressed data; get a whole copy of it", ErrCut)
	}
	for _, other := range foreign {
		if len(h) >= len(other.magic) && h[:len(other.magic)] == other.magic {
			return "", fmt.Errorf("%w: it looks like %s; %s first", ErrFormat, other.name, other.todo)
		}
	}
	return Plain, nil
}

// foreign are files that are given by mistake, with first bytes that begin no JSON.
var foreign = []struct{ magic, name, todo string }{
	{"PAR1", "a Parquet file", "turn it into NDJSON"},
	{"Obj\x01", "an Avro file", "turn it into NDJSON"},
	{"PK\x03\x04", "a zip archive", "unpack it"},
	{"BZh", "a bzip2 file", "decompress it"},
	{"\xfd7zX", "an xz file", "decompress it"},
	{"\x04\x22\x4d\x18", "an lz4 file", "decompress it"},
	{"\xff\x06\x00\x00", "a snappy file", "decompress it"},
}
