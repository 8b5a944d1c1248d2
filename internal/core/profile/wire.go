package profile

import (
	"encoding/binary"
	"encoding/json"
	"errors"

	"quern/internal/core/plan"
)

// What machines tell each other: Scouts and Profiles as JSON, hashes in them packed. What is read back merges as the
// original would.

var errWire = errors.New("a profile from another machine is damaged, or of another version of quern")

type wireScout struct {
	Most  []uint64 `json:"most"`  // by column
	Found [][]byte `json:"found"` // pairs of words
}

// Encode is s for another machine.
func (s *Scout) Encode() ([]byte, error) {
	var w wireScout
	for i := range s.columns {
		c := &s.columns[i]
		var b []byte
		for _, x := range c.found {
			b = binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(b, x.at), x.value)
		}
		w.Most, w.Found = append(w.Most, c.most), append(w.Found, b)
	}
	return json.Marshal(&w)
}

// DecodeScout reads what Encode gave of a scout of p's records.
func DecodeScout(p *plan.Plan, text []byte) (*Scout, error) {
	var w wireScout
	s := NewScout(p)
	if err := json.Unmarshal(text, &w); err != nil || len(w.Most) != len(s.columns) || len(w.Found) != len(s.columns) {
		return nil, errWire
	}
	for i := range s.columns {
		c, b := &s.columns[i], w.Found[i]
		if len(b)%16 != 0 {
			return nil, errWire
		}
		c.most = w.Most[i]
		for ; len(b) > 0; b = b[16:] {
			c.found = append(c.found, occurrence{binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])})
		}
	}
	return s, nil
}

type wireProfile struct {
	Records int64        `json:"records"`
	Columns []wireColumn `json:"columns"`
	Lists   []int64      `json:"lists"` // by field
	Lengths []int64      `json:"lengths"`
	Groups  *wireSample  `json:"groups,omitempty"`
}

type wireColumn struct {
	Values   int64      `json:"values"`
	Seen     wireSample `json:"seen"`
	Lo       int64      `json:"lo"`
	Hi       int64      `json:"hi"`
	WideLo   []byte     `json:"wide_lo,omitempty"`
	WideHi   []byte     `json:"wide_hi,omitempty"`
	Short    int        `json:"short"`
	Long     int        `json:"long"`
	Times    *wireTimes `json:"times,omitempty"`
	Lengths  []int64    `json:"lengths,omitempty"`  // of tokens
	Frequent []int64    `json:"frequent,omitempty"` // counts, by the place of the value
}

type wireSample struct {
	Level int     `json:"level"`
	Keys  []byte  `json:"keys"` // words
	Count []int64 `json:"count,omitempty"`
}

type wireTimes struct {
	Unit  unit    `json:"unit"`
	First int64   `json:"first"`
	Count []int64 `json:"count"`
}

// Encode is p for another machine.
func (p *Profile) Encode() ([]byte, error) {
	w := wireProfile{Records: p.records}
	for i := range p.columns {
		c := &p.columns[i]
		c.flush()
		x := wireColumn{Values: c.values, Seen: c.seen.wire(), Lo: c.lo, Hi: c.hi, WideLo: c.wideLo, WideHi: c.wideHi, Short: c.short, Long: c.long}
		if c.times != nil && c.times.any {
			x.Times = &wireTimes{c.times.unit, c.times.first, c.times.count}
		}
		if c.token != nil {
			x.Lengths, x.Frequent = c.token.lengths[:], c.token.frequent.count
		}
		w.Columns = append(w.Columns, x)
	}
	for i := range p.fields {
		w.Lists, w.Lengths = append(w.Lists, p.fields[i].lists), append(w.Lengths, p.fields[i].length)
	}
	if p.groups != nil {
		g := p.groups.wire()
		w.Groups = &g
	}
	return json.Marshal(&w)
}

func (s *sample) wire() wireSample {
	w := wireSample{Level: s.level}
	for i, h := range s.keys {
		if h == 0 {
			continue
		}
		w.Keys = binary.LittleEndian.AppendUint64(w.Keys, h)
		if s.count != nil {
			w.Count = append(w.Count, s.count[i])
		}
	}
	return w
}

// DecodeProfile reads what Encode gave of a profile of p's records with these frequent values.
func DecodeProfile(p *plan.Plan, frequent Frequent, text []byte) (*Profile, error) {
	var w wireProfile
	out := New(p, frequent)
	if err := json.Unmarshal(text, &w); err != nil || len(w.Columns) != len(out.columns) || len(w.Lists) != len(out.fields) ||
		len(w.Lengths) != len(out.fields) || (w.Groups != nil) != (out.groups != nil) {
		return nil, errWire
	}
	out.records = w.Records
	for i := range out.columns {
		if err := out.columns[i].unwire(&w.Columns[i]); err != nil {
			return nil, err
		}
	}
	for i := range out.fields {
		out.fields[i].lists, out.fields[i].length = w.Lists[i], w.Lengths[i]
	}
	if out.groups != nil {
		return out, out.groups.unwire(w.Groups)
	}
	return out, nil
}

func (c *column) unwire(w *wireColumn) error {
	c.values, c.lo, c.hi, c.short, c.long = w.Values, w.Lo, w.Hi, w.Short, w.Long
	if c.form == wide && w.WideLo != nil {
		if len(w.WideLo) != 16 || len(w.WideHi) != 16 {
			return errWire
		}
		c.wideLo, c.wideHi = w.WideLo, w.WideHi
	}
	if t := w.Times; t != nil {
		if c.times == nil || t.Unit < second || t.Unit > century || len(t.Count) == 0 || len(t.Count) > maxBuckets {
			return errWire
		}
		c.times.unit, c.times.any, c.times.first = t.Unit, true, t.First
		c.times.count = c.times.spare[:copy(c.times.spare[:], t.Count)]
	}
	if c.token != nil {
		if len(w.Lengths) != len(c.token.lengths) || len(w.Frequent) != len(c.token.frequent.count) {
			return errWire
		}
		copy(c.token.lengths[:], w.Lengths)
		copy(c.token.frequent.count, w.Frequent)
	}
	return c.seen.unwire(&w.Seen)
}

func (s *sample) unwire(w *wireSample) error {
	n := len(w.Keys) / 8
	if len(w.Keys)%8 != 0 || n > s.limit || w.Level < 0 || w.Level > 63 || s.count != nil && len(w.Count) != n {
		return errWire
	}
	s.rebuild(len(s.keys), w.Level)
	for i := range n {
		h, times := binary.LittleEndian.Uint64(w.Keys[8*i:]), int64(0)
		if h == 0 || h > s.most {
			return errWire
		}
		if s.count != nil {
			times = w.Count[i]
		}
		s.put(h, times)
	}
	return nil
}
