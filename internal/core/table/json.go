package table

import (
	"encoding/binary"
	"encoding/json"
	"math/big"
	"strings"
	"time"

	"quern/internal/core/recipe"
)

func appendTime(dst []byte, micros int64) []byte {
	dst = append(dst, '"')
	dst = time.UnixMicro(micros).UTC().AppendFormat(dst, time.RFC3339Nano)
	return append(dst, '"')
}

func appendDate(dst []byte, day int64) []byte {
	dst = append(dst, '"')
	dst = time.Unix(day*86400, 0).UTC().AppendFormat(dst, time.DateOnly)
	return append(dst, '"')
}

func appendString(dst, s []byte) []byte {
	q, err := json.Marshal(string(s))
	if err != nil {
		panic("BUG: a string that cannot be marshalled: " + err.Error())
	}
	return append(dst, q...)
}

func appendDecimal(dst []byte, t *recipe.Type, bits uint64, text []byte) []byte {
	n := big.NewInt(int64(bits))
	if t.Precision > 18 {
		n.SetInt64(int64(binary.BigEndian.Uint64(text)))
		n.Lsh(n, 64).Add(n, new(big.Int).SetUint64(binary.BigEndian.Uint64(text[8:])))
	}
	s := n.String()
	sign := ""
	if s[0] == '-' {
		sign, s = "-", s[1:]
	}
	if t.Scale > 0 {
		if len(s) <= t.Scale {
			s = strings.Repeat("0", t.Scale-len(s)+1) + s
		}
		s = s[:len(s)-t.Scale] + "." + s[len(s)-t.Scale:]
	}
	return append(append(dst, sign...), s...)
}
