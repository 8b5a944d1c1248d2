package source

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// Format is how records stand in an input.
type Format string

// The formats.
const (
	NDJSON Format = "ndjson"
	Array  Format = "json array"
)

// Compression is how an input is stored.
type Compression string

// The compressions.
const (
	Plain Compression = "none"
	Gzip  Compression = "gzip"
	Zstd  Compression = "zstd"
)

const (
	// sniff is how far into an input its format is looked for. Only white space may come before what tells, so nobody's
	// file needs it; an array that begins later is taken for lines, and rejected as such.
	sniff = 64 << 10
	// maxWindow is the memory that a zstd input may demand: eight times the window of zstd -19.
	maxWindow = 64 << 20
)

// stream decompresses an input and tells its format. It keeps its buffers and decompressors from input to input.
type stream struct {
	compression Compression
	format      Format
	start       int64 // where the text begins: after the byte-order mark

	raw  *raw
	in   *bufio.Reader // over raw
	out  *bufio.Reader // over the decompressor
	gzip *gzip.Reader
	zstd *zstd.Decoder
	text *bufio.Reader // in or out: what Read reads
}

// open begins the input that raw has opened.
func (s *stream) open(w *raw) error {
	if s.in == nil {
		s.in, s.out = bufio.NewReaderSize(nil, sniff), bufio.NewReaderSize(nil, sniff)
	}
	s.raw = w
	s.in.Reset(w)
	head, _ := s.in.Peek(4)
	if err := w.failure(); err != nil {
		return err
	}
	var err error
	if s.compression, err = compressionOf(head); err != nil {
		return err
	}
	if err := s.decompress(); err != nil {
		return s.explain(err)
	}
	s.format, s.start = NDJSON, 0
	head, _ = s.text.Peek(3)
	if err := encodingOf(head); err != nil {
		return err
	}
	if string(head) == "\xef\xbb\xbf" {
		s.start = 3
		s.text.Discard(3) // cannot fail: they were peeked
	}
	if isArray(s.text) {
		s.format = Array
	}
	return nil
}

func (s *stream) decompress() (err error) {
	s.text = s.out
	switch s.compression {
	case Gzip:
		if s.gzip == nil {
			s.gzip = new(gzip.Reader)
		}
		s.out.Reset(s.gzip)
		return s.gzip.Reset(s.in)
	case Zstd:
		if s.zstd == nil {
			s.zstd, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
				zstd.WithDecoderMaxMemory(maxWindow))
			if err != nil {
				return err
			}
		}
		s.out.Reset(s.zstd)
		return s.zstd.Reset(s.in)
	}
	s.text = s.in
	return nil
}

// fill reads until p is full or the text ends; err is nil in both cases. So what a block gets does not depend on how
// reads return.
func (s *stream) fill(p []byte) (n int, err error) {
	for idle := 0; n < len(p) && err == nil; {
		var m int
		m, err = s.text.Read(p[n:])
		n += m
		if idle++; m > 0 {
			idle = 0
		} else if idle > 100 && err == nil {
			err = io.ErrNoProgress
		}
	}
	if err == io.EOF {
		err = s.raw.failure()
	}
	if err != nil {
		err = s.explain(err)
	}
	return n, err
}

// explain says what an error of a decompressor's means.
func (s *stream) explain(err error) error {
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
func (s *stream) close() {
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

// encodingOf rejects what is not UTF-8 by its byte-order mark.
func encodingOf(head []byte) error {
	if len(head) >= 2 && (string(head[:2]) == "\xff\xfe" || string(head[:2]) == "\xfe\xff") {
		return fmt.Errorf("%w: its byte-order mark says UTF-16 or UTF-32; convert it to UTF-8, for example with iconv -t UTF-8", ErrFormat)
	}
	return nil
}

// isArray reports whether the text begins with [ and then { or ]. Other lists are left to the lines: a line that holds
// a list is a bad record, not a bad file.
func isArray(text *bufio.Reader) bool {
	open := false
	for i := range sniff {
		head, _ := text.Peek(i + 1)
		if len(head) <= i {
			return false
		}
		switch c := head[i]; {
		case isSpace(c):
		case open:
			return c == '{' || c == ']'
		case c == '[':
			open = true
		default:
			return false
		}
	}
	return false
}

// isSpace reports white space as JSON has it.
func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\r' || c == '\t' }
