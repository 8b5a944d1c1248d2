package postings

// A pair is what a stream is at. Its bytes are the stream's, and valid until its next step.
type pair struct {
	key, value []byte
	newKey     bool // another key than that of the pair before, or there is none before
}

// A stream gives pairs in order.
type stream interface {
	// next moves to the next pair and sets p to it; p is the same variable in every call. It returns io.EOF after
	// the last pair, and any other error only instead of a pair.
	next(p *pair) error
}

// A distinct stream gives each pair once. What it is made from is its own.
type distinct interface {
	stream
	repeats() int64 // pairs left out so far because they had been there
	close() error
}
