// Package decode turns a line of JSON into a typed record, or says why it is none. It is directed by the plan:
// each value is parsed straight into its column's type, nothing is built in between.
//
// JSON is that of RFC 8259, stricter where it leaves room: UTF-8 only, no name twice in an object, no lone
// surrogates, nesting of at most MaxDepth.
package decode

// State says whether a value is there.
type State uint8

// The states of a value.
const (
	Missing State = iota
	Null
	Present
)

// Value is one typed value. Bytes alias the line, or memory of the Decoder, until its next call.
type Value struct {
	State State
	// Bits holds integers, timestamps (microseconds), dates (days), decimals of at most 18 digits (unscaled) in
	// two's complement; doubles as IEEE 754 bits; booleans as 0 or 1.
	Bits uint64
	// Bytes holds strings, the text of json values, and longer decimals as 16 big-endian bytes.
	Bytes []byte
}

// Record is a decoded record.
type Record struct {
	Values []Value // by recipe field; of a list only State is set
	Lists  []List  // by plan.Plan.Lists
	// Rescued is a JSON object of the unknown fields by their paths, or nil.
	Rescued []byte
}

// List is the items of a list, in chunks: a list of a million items grows without being copied.
type List struct {
	Width int // values of an item
	N     int // items

	chunks [][]Value // of 1<<shift items
	shift  uint
}

const (
	chunkValues = 1024
	// keepChunks is how many chunks are kept for the next record.
	keepChunks = keepCap / chunkValues
)

func newList(width int) List {
	l := List{Width: width}
	for width<<(l.shift+1) <= chunkValues {
		l.shift++
	}
	return l
}

// Item returns the values of item i.
func (l *List) Item(i int) []Value {
	at := (i & (1<<l.shift - 1)) * l.Width
	return l.chunks[i>>l.shift][at : at+l.Width : at+l.Width]
}

// From returns the values of item i and of some that follow it, Width an item: all the rest, if the list is short.
func (l *List) From(i int) []Value {
	first := i & (1<<l.shift - 1)
	n := min(1<<l.shift-first, l.N-i)
	return l.chunks[i>>l.shift][first*l.Width : (first+n)*l.Width]
}

// grow adds an item, all of whose values are Missing.
func (l *List) grow() []Value {
	if l.N>>l.shift == len(l.chunks) {
		l.chunks = append(l.chunks, make([]Value, l.Width<<l.shift))
	}
	l.N++
	item := l.Item(l.N - 1)
	clear(item)
	return item
}

// reset empties l, and gives up the memory of a list that was very long.
func (l *List) reset() {
	l.N = 0
	if len(l.chunks) > keepChunks {
		l.chunks = nil
	}
}
