package decode

import (
	"encoding/binary"

	"quern/internal/core/plan"
)

// word is the text of a key that is expected next, with its colon, in two overlapping words of eight bytes: names are
// short, and a call of memequal for each took 4 % of a run.
type word struct {
	text                           string // "" if the key is never expected
	head, headMask, tail, tailMask uint64
	tailAt                         int
}

func wordsOf(o *plan.Object) []word {
	out := make([]word, len(o.Keys))
	for i := range o.Keys {
		out[i] = newWord(o.Keys[i].Quoted)
	}
	return out
}

func newWord(text string) word {
	w := word{text: text}
	var b [8]byte
	n := copy(b[:], text)
	w.head = binary.LittleEndian.Uint64(b[:])
	w.headMask = 1<<(8*n) - 1 // all ones for eight
	w.tail, w.tailMask = w.head, w.headMask
	if len(text) > 8 {
		w.tailAt = len(text) - 8
		w.tail = binary.LittleEndian.Uint64([]byte(text[w.tailAt:]))
	}
	return w
}

// at says whether w stands at data[i:].
func (w *word) at(data []byte, i int) bool {
	if i+16 > len(data) || len(w.text) > 16 || w.text == "" {
		return w.slow(data, i)
	}
	return binary.LittleEndian.Uint64(data[i:])&w.headMask == w.head &&
		binary.LittleEndian.Uint64(data[i+w.tailAt:])&w.tailMask == w.tail
}

func (w *word) slow(data []byte, i int) bool {
	end := i + len(w.text)
	return w.text != "" && end <= len(data) && string(data[i:end]) == w.text
}
