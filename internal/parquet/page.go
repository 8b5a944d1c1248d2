package parquet

import (
	"encoding/binary"
	"math"
	"math/bits"
	"slices"

	"quern/internal/column"
)

// encoding is a page's encoding in the file's metadata.
type encoding uint8

const (
	encPlain          encoding = 0
	encRLE            encoding = 3
	encDeltaBinary    encoding = 5
	encDeltaLength    encoding = 6
	encDeltaByteArray encoding = 7
	encRLEDictionary  encoding = 8
)

// page is a data page, and with the last page of a chunk its dictionary page.
type page struct {
	encoding encoding
	body     []byte
	rawSize  int
	codec    Compression
	bounds   bounds
	hashes   []uint64 // of the values, and on a chunk's last page of the dictionary, if there is a filter to fill

	dictionary        []byte
	dictionaryRawSize int
	dictionaryEntries int
}

// encoder is the memory of one worker.
type encoder struct {
	compressor
	raw, other []byte
	text       int // bytes at the end of raw that are text alone
	lengths    []int32
	delta      deltaScratch
	keys       []uint64 // the values of a page of numbers
	index      []uint32
	remap      []uint32
	local      dictionary // of the page
}

// encode makes set's page of the i-th leaf.
func (e *encoder) encode(set *pageSet, i int) {
	l, v := &set.file.leaves[i], set.cols[i]
	c, p := &set.group.chunks[i], &set.pages[i]
	p.hashes = p.hashes[:0]
	p.dictionaryEntries = 0

	var pl plan
	if set.first() {
		pl = e.choose(v, set)
		c.plan.keep(pl)
	} else if pl = c.plan.wait(); pl.dictionary && !c.isFull() {
		e.local.reset()
		e.prepare(v)
		e.index = e.add(e.index[:0], v, 0, v.Values())
	}
	fits := false
	if pl.dictionary {
		e.remap, fits = c.extend(set.ordinal, &e.local, e.remap)
	}

	e.raw, e.text = appendLevels(e.raw[:0], v), 0
	if fits {
		p.encoding = encRLEDictionary
		p.bounds.setDictionary(l, &e.local)
		e.raw = e.appendIndex(e.raw)
	} else {
		p.encoding = pl.direct
		p.bounds.set(l, v)
		e.raw = e.appendDirect(e.raw, v, pl.direct)
		if l.bloom {
			p.hashes = appendHashes(p.hashes, v)
		}
	}
	e.other = e.other[:0]
	if pl.dictionary && set.last {
		e.other = c.dictionary.appendPlain(e.other)
		p.dictionaryEntries = c.dictionary.len()
		if l.bloom && !fits {
			p.hashes = appendDictionaryHashes(p.hashes, &c.dictionary)
		}
	} else if pl.dictionary && set.begins {
		e.other = e.local.appendPlain(e.other) // to see how it compresses
	}
	e.pack(p, set, &set.file.packings[i])
}

// pack compresses the page in e.raw and the dictionary in e.other, or leaves them as they are. A column has one
// codec in the whole table, though the format allows one a chunk: parquet-go reads all chunks by the codec of the
// first. So the first page of all decides.
func (e *encoder) pack(p *page, set *pageSet, choice *promise[packing]) {
	how := packing{codec: set.file.options.Compression}
	p.rawSize, p.dictionaryRawSize = len(e.raw), len(e.other)
	if !set.begins {
		how = choice.wait()
	} else if how.codec == Zstd {
		p.body, how.random = e.tryRandom(p.body, e.raw, e.text)
	}
	if how.codec != None {
		packed := false
		if how.random {
			p.body, packed = e.appendRandom(p.body[:0], e.raw, e.text)
		}
		if !packed {
			p.body = e.append(p.body[:0], how.codec, e.raw)
		}
		if len(e.other) > 0 {
			p.dictionary = e.append(p.dictionary[:0], how.codec, e.other)
		}
	}
	if set.begins {
		if !gains(p, set) {
			how = packing{codec: None}
		}
		choice.keep(how)
	}
	if p.codec = how.codec; p.codec == None {
		p.body, e.raw = e.raw, p.body
		p.dictionary, e.other = e.other, p.dictionary
	}
}

// gains says whether compression made the page and its dictionary smaller by enough.
func gains(p *page, set *pageSet) bool {
	raw, size := p.rawSize, len(p.body)
	if p.dictionaryRawSize > 0 {
		raw += p.dictionaryRawSize
		size += len(p.dictionary)
	}
	if raw < 1024 && !set.ends {
		return true // nulls, say: they tell nothing of the pages to come
	}
	return size <= raw-raw/minGain
}

// appendLevels appends v's levels as a data page of version 1 has them: each kind after its length in bytes.
func appendLevels(dst []byte, v *column.Vector) []byte {
	if v.MaxRep > 0 {
		start := len(dst)
		dst = append(dst, 0, 0, 0, 0)
		dst = appendHybrid(dst, v.Rep, bits.Len8(v.MaxRep))
		binary.LittleEndian.PutUint32(dst[start:], uint32(len(dst)-start-4))
	}
	if v.MaxDef > 0 {
		start := len(dst)
		dst = append(dst, 0, 0, 0, 0)
		switch width := bits.Len8(v.MaxDef); {
		case len(v.Def) > 0:
			dst = appendHybrid(dst, v.Def, width)
		case v.N >= 8:
			dst = append(binary.AppendUvarint(dst, uint64(v.N)<<1), v.MaxDef)
		default:
			dst = appendPacked(dst, bytesOf(v.MaxDef)[:v.N], width)
		}
		binary.LittleEndian.PutUint32(dst[start:], uint32(len(dst)-start-4))
	}
	return dst
}

func bytesOf(x byte) *[8]byte { return &[8]byte{x, x, x, x, x, x, x, x} }

// appendIndex appends the values of the page as numbers of the chunk's dictionary.
func (e *encoder) appendIndex(dst []byte) []byte {
	most := uint32(0)
	for _, n := range e.remap {
		most = max(most, n)
	}
	for i, n := range e.index {
		e.index[i] = e.remap[n]
	}
	width := bitWidth(most)
	return appendHybrid(append(dst, byte(width)), e.index, width)
}

func (e *encoder) appendDirect(dst []byte, v *column.Vector, enc encoding) []byte {
	switch enc {
	case encDeltaBinary:
		if v.Kind == column.Int32 {
			return appendDelta(dst, v.I32)
		}
		return appendDelta(dst, v.I64)
	case encDeltaLength:
		dst, e.lengths = appendLengths(dst, v.Ends, e.lengths)
		e.text = len(v.Data)
		return append(dst, v.Data...)
	case encDeltaByteArray:
		dst, e.text = appendDeltaByteArray(dst, v.Data, v.Ends, &e.delta)
		return dst
	}
	return appendPlain(dst, v)
}

// prepare sets e up for add to number the values of v.
func (e *encoder) prepare(v *column.Vector) {
	if v.Kind == column.Bytes {
		return
	}
	e.local.width = 8
	e.keys = slices.Grow(e.keys[:0], v.Values())
	switch v.Kind {
	case column.Int32:
		e.local.width = 4
		for _, x := range v.I32 {
			e.keys = append(e.keys, uint64(uint32(x)))
		}
	case column.Int64:
		for _, x := range v.I64 {
			e.keys = append(e.keys, uint64(x))
		}
	case column.Double:
		for _, x := range v.F64 {
			e.keys = append(e.keys, math.Float64bits(x))
		}
	}
}

// add numbers v's values from from to to in the page's dictionary and appends the numbers to index.
func (e *encoder) add(index []uint32, v *column.Vector, from, to int) []uint32 {
	if v.Kind == column.Bytes {
		return e.local.addBytes(index, v, from, to)
	}
	return e.local.addNumbers(index, e.keys[from:to])
}
