package decode

import (
	"strconv"

	"quern/internal/core/plan"
)

// Limits of a record, so that a line needs memory in proportion to its length, and no more than a few hundred MB
// whatever is in it.
const (
	// MaxDepth is how deeply the values of a record may nest.
	MaxDepth = 1000
	// MaxValues is how many values a list may hold (items times their fields), and how many names the open objects
	// that are no columns: a line of 64 MiB is room for ten times as many, at 40 and more bytes each.
	MaxValues = 1 << 21
	// MaxRepeated is how many bytes the fields that stand beside each item of a list may come to. Two megabytes of
	// line can ask for gigabytes: a long id, and as many items.
	MaxRepeated = 256 << 20
)

const largeHint = "a field of type json holds a list of any length"

// keepCap is the capacity beyond which memory is given up after a record, since few records are as large.
const keepCap = 1 << 18

func empty[T any](s []T) []T {
	if cap(s) > keepCap {
		return nil
	}
	return s[:0]
}

// repeatable says whether the fields that are written for each item of a list stay within MaxRepeated.
func (d *Decoder) repeatable(r *plan.Repeat) bool {
	n := d.rec.Lists[r.List].N
	if n*(len(d.data)+valueSize*len(r.Fields)) <= MaxRepeated { // nearly always
		return true
	}
	size := 0
	for _, f := range r.Fields {
		if l := d.plan.ListOf[f]; l < 0 {
			size += sizeOf(d.rec.Values[f : f+1])
		} else {
			list := &d.rec.Lists[l]
			for i := range list.N {
				size += sizeOf(list.Item(i))
			}
		}
	}
	if n*size <= MaxRepeated {
		return true
	}
	d.fail(TooLarge, r.Path, "the fields beside each of the list's items come to more than "+
		strconv.Itoa(MaxRepeated>>20)+" MiB")
	return false
}

// valueSize is about what a value takes in a column beside its bytes.
const valueSize = 9

func sizeOf(vals []Value) int {
	n := valueSize * len(vals)
	for i := range vals {
		if vals[i].State == Present {
			n += len(vals[i].Bytes)
		}
	}
	return n
}
