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

// List is the items of a list, row by row: item i's values are Items[i*Width : (i+1)*Width].
type List struct {
	Width int
	N     int
	Items []Value
}

// Item returns the values of item i.
func (l *List) Item(i int) []Value { return l.Items[i*l.Width : (i+1)*l.Width] }

// grow adds an item, all of whose values are Missing.
func (l *List) grow() []Value {
	n := len(l.Items)
	for range l.Width {
		l.Items = append(l.Items, Value{})
	}
	l.N++
	return l.Items[n:]
}
