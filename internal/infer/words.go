package infer

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"quern/internal/core/decode"
)

// words splits a key into its words, in lower case: userID, user-id and user_id are user, id.
func words(key string) []string {
	var out []string
	var word []rune
	flush := func() {
		if len(word) > 0 {
			out = append(out, strings.ToLower(string(word)))
			word = word[:0]
		}
	}
	r := []rune(key)
	for i, c := range r {
		switch {
		case !unicode.IsLetter(c) && !unicode.IsDigit(c):
			flush()
			continue
		case unicode.IsUpper(c) && i > 0 && (unicode.IsLower(r[i-1]) || i+1 < len(r) && unicode.IsLower(r[i+1]) && unicode.IsUpper(r[i-1])):
			flush()
		}
		word = append(word, c)
	}
	flush()
	return out
}

func oneOf(w []string, set ...string) bool {
	return slices.ContainsFunc(w, func(s string) bool { return slices.Contains(set, s) })
}

func last(w []string) string {
	if len(w) == 0 {
		return ""
	}
	return w[len(w)-1]
}

// isIDName says whether a key is called like what tells things apart.
func isIDName(w []string) bool {
	return oneOf([]string{last(w)}, "id", "ids", "uuid", "guid", "key", "uid", "pk", "nr", "no", "number") || oneOf(w, "uuid", "guid")
}

func isTimeName(w []string) bool {
	return oneOf(w, "at", "time", "timestamp", "ts", "date", "datetime", "created", "updated", "modified", "ms", "epoch", "expires", "expiry", "since", "until", "seen", "when")
}

// isData says whether a key looks like a value: an address or an id that things are filed under. Such keys are not shown.
func isData(key string) bool {
	const longest = 128
	switch shapeOf([]byte(key)) {
	case emailShape, phoneShape, addressShape, uuidShape, ibanShape, cardShape, postalShape:
		return true
	}
	if key == "" || len(key) > longest || !utf8.ValidString(key) || strings.Contains(key, "://") || strings.ContainsRune(key, '@') {
		return true
	}
	var l decode.Lexer
	if len(key) >= 10 && l.Date([]byte(key[:10])) {
		return true
	}
	digits, hex, letters := 0, 0, 0
	for _, c := range key {
		switch {
		case unicode.IsDigit(c):
			digits++
			hex++
		case c < utf8.RuneSelf && 'a' <= c|0x20 && c|0x20 <= 'f':
			hex++
			letters++
		case unicode.IsLetter(c):
			letters++
		}
	}
	// A key without letters counts or dates something; f00ba12... is a hash.
	return letters == 0 && digits > 0 || digits > 6 || len(key) >= 12 && hex == len(key) && digits > 0
}
