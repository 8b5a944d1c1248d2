package lookup

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"quern/internal/column"
	"quern/internal/core/recipe"
	"quern/internal/edit"
)

// ErrKey is a key that is not of the type of the index's keys.
var ErrKey = errors.New("not of the type of the keys")

// parse puts the key that text writes into v.
func (x *Index) parse(v *column.Vector, text string) error {
	v.Add()
	wrong := func(kind string) error {
		return fmt.Errorf("%q is %w of %s, which are %s", text, ErrKey, x.Name, kind)
	}
	switch x.keyType.Kind {
	case recipe.Int32:
		n, err := strconv.ParseInt(text, 10, 32)
		if err != nil {
			return wrong("whole numbers of 32 bits")
		}
		v.PutInt32(int32(n))
	case recipe.Int64:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return wrong("whole numbers of 64 bits")
		}
		v.PutInt64(n)
	case recipe.Date:
		d, err := time.Parse(time.DateOnly, text)
		if err != nil {
			return wrong("dates such as 2020-01-31")
		}
		v.PutInt32(int32(d.Unix() / 86400)) // UTC, so without remainder
	case recipe.Timestamp:
		d, err := time.Parse(time.RFC3339Nano, text)
		if err != nil || d.Nanosecond()%1000 != 0 {
			return wrong("timestamps such as 2020-01-31T14:50:26Z")
		}
		v.PutInt64(d.UnixMicro())
	default:
		v.PutBytes([]byte(text))
	}
	return nil
}

const (
	// maxScan is how many rows Nearest looks at: a second's worth, for no more than a hint.
	maxScan = 1 << 20
	// maxWord is the longest text that is taken for a misspelt one.
	maxWord = 64
)

// Nearest finds the key that was probably meant by text: equal but for the case, or else the one with the fewest
// slips of the keyboard, if these are few for its length; of equals, the first. Tokens and numbers are never meant.
func (x *Index) Nearest(text string) (near string, ok bool, err error) {
	word := []rune(strings.ToLower(text))
	if x.keyType.Kind != recipe.String || x.sealed || len(word) == 0 || len(word) > maxWord {
		return "", false, nil
	}
	n := nearest{word: word, least: len(word)/3 + 2}
	for file, rows := 0, 0; file < len(x.files) && rows < maxScan && !n.sure; file++ {
		if err := x.open(file); err != nil {
			return "", false, err
		}
		if err := x.keys.MoveTo(0); err != nil {
			return "", false, err
		}
		for rows < maxScan && !n.sure {
			x.keyBatch.Reset()
			m, err := x.keys.Read(x.keyBatch, batchRows)
			if err == io.EOF {
				break
			}
			if err != nil {
				return "", false, err
			}
			for i := range m {
				n.look(x.keyBatch.Value(i))
			}
			rows += m
		}
	}
	return n.key, n.ok, nil
}

// nearest is the key that is nearest to a word so far.
type nearest struct {
	word  []rune
	key   string
	least int // slips
	ok    bool
	sure  bool // it differs by nothing but the case
}

func (n *nearest) look(key []byte) {
	if n.sure || len(key) > 4*maxWord {
		return
	}
	other := []rune(strings.ToLower(string(key)))
	if max(len(other)-len(n.word), len(n.word)-len(other)) >= n.least {
		return
	}
	d := edit.Distance(n.word, other)
	if d == 0 || d < n.least && d < max(len(n.word), len(other)) {
		n.key, n.least, n.ok, n.sure = string(key), d, true, d == 0
	}
}
