package decode

import (
	"encoding/binary"
	"math"

	"quern/internal/core/plan"
	"quern/internal/core/recipe"
)

// scalar decodes a value of type t into v.
func (d *Decoder) scalar(i int, t *recipe.Type, k *plan.Key, v *Value, required bool) int {
	if i < len(d.data) && d.data[i] == 'n' {
		return d.nullValue(i, k, v, required)
	}
	v.State = Present
	switch t.Kind {
	case recipe.String:
		if i < len(d.data) && d.data[i] == '"' {
			v.Bytes, i = d.text(i+1, k.Path)
			return i
		}
		return d.wrongType(i, k, "a string")
	case recipe.Int32:
		return d.intValue(i, math.MaxInt32, k, v)
	case recipe.Int64:
		return d.intValue(i, math.MaxInt64, k, v)
	case recipe.Double:
		if m, places, neg, end := d.short(i); end != bad && m < 1<<53 {
			v.Bits = doubleOf(m, -places, neg)
			return end
		}
		var n number
		if i = d.numberValue(i, k, &n); i == bad {
			return bad
		}
		var ok bool
		if v.Bits, ok = d.double(&n, k.Path); !ok {
			return bad
		}
		return i
	case recipe.Timestamp:
		return d.timestamp(i, t, k, v)
	case recipe.Date:
		return d.date(i, k, v)
	case recipe.Boolean:
		return d.boolean(i, k, v)
	case recipe.Decimal:
		return d.decimal(i, t, k, v)
	case recipe.JSON:
		end := d.skip(i, 1)
		if end == bad {
			return d.fail(d.reject.Code, k.Path, d.reject.Reason)
		}
		v.Bytes = d.data[i:end:end]
		return end
	}
	panic("BUG: a scalar of no scalar type")
}

func (d *Decoder) stringValue(i int, k *plan.Key, dst *[]byte) int {
	if i >= len(d.data) || d.data[i] != '"' {
		return d.wrongType(i, k, "a string")
	}
	s, end := d.text(i+1, k.Path)
	*dst = s
	return end
}

func (d *Decoder) numberValue(i int, k *plan.Key, n *number) int {
	if i >= len(d.data) || d.data[i]-'0' > 9 && d.data[i] != '-' {
		return d.wrongType(i, k, "a number")
	}
	return d.number(i, k.Path, n)
}

func (d *Decoder) intValue(i int, limit uint64, k *plan.Key, v *Value) int {
	if m, places, neg, end := d.short(i); end != bad && places == 0 && m <= limit {
		if v.Bits = m; neg {
			v.Bits = -m
		}
		return end
	}
	var n number
	if i = d.numberValue(i, k, &n); i == bad {
		return bad
	}
	var ok bool
	if v.Bits, ok = d.integer(&n, 0, limit, k, NotInteger, "the number has a fraction, and the column holds integers"); !ok {
		return bad
	}
	return i
}

func (d *Decoder) boolean(i int, k *plan.Key, v *Value) int {
	if i < len(d.data) {
		switch d.data[i] {
		case 't':
			v.Bits = 1
			return d.literal(i, "true", k.Path)
		case 'f':
			v.Bits = 0
			return d.literal(i, "false", k.Path)
		}
	}
	return d.wrongType(i, k, "a boolean")
}

// decimal decodes a number, or a string that holds one (so that writers can keep it from becoming a double).
func (d *Decoder) decimal(i int, t *recipe.Type, k *plan.Key, v *Value) int {
	var n number
	end := i
	if i < len(d.data) && d.data[i] == '"' {
		var s []byte
		if s, end = d.text(i+1, k.Path); end == bad {
			return bad
		}
		line := d.data
		d.data = s
		defer func() { d.data = line }()
		if len(s) == 0 || d.number(0, k.Path, &n) != len(s) {
			return d.fail(BadNumber, k.Path, "it is a string that holds no JSON number")
		}
	} else if end = d.numberValue(i, k, &n); end == bad {
		return bad
	}
	hi, lo, whole, fits := d.scaled(&n, t.Scale)
	if !whole {
		return d.fail(TooPrecise, k.Path, "the number has more decimal places than the column's scale")
	}
	limit := &tens[t.Precision]
	if !fits || hi > limit.hi || hi == limit.hi && lo >= limit.lo {
		return d.fail(OutOfRange, k.Path, "the number has more digits than the column's precision")
	}
	if n.neg { // two's complement
		hi, lo = ^hi, -lo
		if lo == 0 {
			hi++
		}
	}
	v.Bits = lo
	if t.Precision > 18 {
		base := len(d.buf)
		d.buf = binary.BigEndian.AppendUint64(d.buf, hi)
		d.buf = binary.BigEndian.AppendUint64(d.buf, lo)
		v.Bytes = d.buf[base : base+16 : base+16]
	}
	return end
}
