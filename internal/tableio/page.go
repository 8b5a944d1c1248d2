package tableio

import (
	"bytes"
	"fmt"
	"math"

	pq "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding"

	"quern/internal/column"
)

// page is a decoded data page. What it holds belongs to raw, until release.
type page struct {
	raw      pq.Page
	def, rep []byte // empty without levels
	entries  int

	index   []int32 // numbers of dictionary entries, which are the values below; nil without a dictionary
	values  values
	longest int // bytes of the longest dictionary entry
}

// values are the values of a page or a dictionary.
type values struct {
	n       int
	i32     []int32
	i64     []int64
	f64     []float64
	data    []byte
	offsets []uint32 // of Bytes: where each value begins in data, and where the last ends
}

// set makes p the page raw of leaf v. A dictionary is described once: it is that of the page before, mostly.
func (p *page) set(raw pq.Page, v *column.Vector, dictionary pq.Dictionary) (err error) {
	sameDictionary := p.index != nil && dictionary != nil && raw.Dictionary() == dictionary
	p.raw, p.entries = raw, int(raw.NumValues())
	p.def, p.rep = raw.DefinitionLevels(), raw.RepetitionLevels()
	if v.MaxDef > 0 && len(p.def) != p.entries || v.MaxRep > 0 && len(p.rep) != p.entries {
		return fmt.Errorf("%w: a page has %d values, but levels of other number", ErrDamaged, p.entries)
	}
	present := p.entries
	if v.MaxDef > 0 {
		present = bytes.Count(p.def, []byte{v.MaxDef})
	}
	data := raw.Data()
	if raw.Dictionary() == nil {
		p.index, p.longest = nil, 0
		p.values, err = valuesOf(data, v, present)
		return err
	}
	p.index = data.Int32()
	if len(p.index) < present {
		return fmt.Errorf("%w: a page has %d values of %d", ErrDamaged, len(p.index), present)
	}
	if sameDictionary {
		return nil
	}
	entries := raw.Dictionary().Page()
	if p.values, err = valuesOf(entries.Data(), v, int(entries.NumValues())); err != nil {
		return err
	}
	p.longest = 0
	if v.Kind == column.Bytes {
		for i := range p.values.n {
			p.longest = max(p.longest, int(p.values.offsets[i+1]-p.values.offsets[i]))
		}
	}
	return nil
}

func (p *page) release() {
	if p.raw != nil {
		pq.Release(p.raw)
		p.raw, p.entries = nil, 0
	}
}

// valuesOf views n decoded values of leaf v.
func valuesOf(data encoding.Values, v *column.Vector, n int) (values, error) {
	x := values{n: n}
	have := 0
	switch v.Kind {
	case column.Bool:
		x.data = data.Boolean() // bits
		have = 8 * len(x.data)
	case column.Int32:
		x.i32 = data.Int32()
		have = len(x.i32)
	case column.Int64:
		x.i64 = data.Int64()
		have = len(x.i64)
	case column.Double:
		x.f64 = data.Double()
		have = len(x.f64)
	case column.Bytes:
		x.data, x.offsets = data.ByteArray()
		have = len(x.offsets) - 1
	case column.Fixed:
		x.data, _ = data.FixedLenByteArray()
		have = len(x.data) / v.Width
	}
	if n > 0 && have < n {
		return x, fmt.Errorf("%w: a page has %d values of %d", ErrDamaged, have, n)
	}
	return x, nil
}

// append appends the values from..to of the page to v. Their entries are the caller's business.
func (p *page) append(v *column.Vector, from, to int) error {
	if p.index != nil {
		return p.values.look(v, p.index[from:to])
	}
	x := &p.values
	switch v.Kind {
	case column.Bool:
		for i := from; i < to; i++ {
			v.Data = append(v.Data, x.bit(i))
		}
	case column.Int32:
		v.I32 = append(v.I32, x.i32[from:to]...)
	case column.Int64:
		v.I64 = append(v.I64, x.i64[from:to]...)
	case column.Double:
		v.F64 = append(v.F64, x.f64[from:to]...)
	case column.Bytes:
		if from == to {
			return nil
		}
		offsets := x.offsets[from : to+1]
		start, end := offsets[0], offsets[len(offsets)-1]
		if err := room(v, int(end)-int(start)); err != nil {
			return err
		}
		shift := uint32(len(v.Data)) - start // wraps, and wraps back below
		v.Data = append(v.Data, x.data[start:end]...)
		for _, o := range offsets[1:] {
			if o < start || o > end {
				return fmt.Errorf("%w: a value ends before it begins", ErrDamaged)
			}
			v.Ends = append(v.Ends, o+shift)
			start = o
		}
	case column.Fixed:
		v.Data = append(v.Data, x.data[from*v.Width:to*v.Width]...)
	}
	return nil
}

// look appends the entries of a dictionary that index names.
func (x *values) look(v *column.Vector, index []int32) error {
	for _, i := range index {
		if uint(i) >= uint(x.n) {
			return fmt.Errorf("%w: a dictionary lacks an entry", ErrDamaged)
		}
	}
	switch v.Kind {
	case column.Bool:
		for _, i := range index {
			v.Data = append(v.Data, x.bit(int(i)))
		}
	case column.Int32:
		for _, i := range index {
			v.I32 = append(v.I32, x.i32[i])
		}
	case column.Int64:
		for _, i := range index {
			v.I64 = append(v.I64, x.i64[i])
		}
	case column.Double:
		for _, i := range index {
			v.F64 = append(v.F64, x.f64[i])
		}
	case column.Bytes:
		size := 0
		for _, i := range index {
			size += int(x.offsets[i+1] - x.offsets[i])
		}
		if err := room(v, size); err != nil {
			return err
		}
		for _, i := range index {
			v.PutBytes(x.data[x.offsets[i]:x.offsets[i+1]])
		}
	case column.Fixed:
		for _, i := range index {
			v.PutFixed(x.data[int(i)*v.Width : (int(i)+1)*v.Width])
		}
	}
	return nil
}

// bit is the i-th of a page's booleans.
func (x *values) bit(i int) byte { return x.data[i/8] >> (i % 8) & 1 }

var errTooLarge = fmt.Errorf("%w: some rows of it have more than 4 GiB", ErrUnsupported)

// room says whether n bytes more fit v, whose values end at 32-bit offsets.
func room(v *column.Vector, n int) error {
	if n < 0 || len(v.Data)+n > math.MaxUint32 {
		return errTooLarge
	}
	return nil
}
