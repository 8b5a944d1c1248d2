package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"quern/internal/core/decode"
	"quern/internal/engine/local"
	"quern/internal/job"
	"quern/internal/source"
)

// withHint adds to an error of rejects what a whole file may have been mistaken for.
func withHint(ctx context.Context, err error, inputs []string) error {
	e, ok := errors.AsType[*local.RejectError](err)
	if !ok || len(e.Samples) == 0 {
		return err
	}
	first := e.Samples[0]
	if first.Line != 1 || !slices.Contains([]decode.Code{decode.Syntax, decode.Truncated, decode.Trailing, decode.NotAnObject, decode.UnknownField}, first.Reject.Code) {
		return err
	}
	hint := mistakenFor(first.Source, headOf(ctx, first.Source))
	if first.Reject.Code != decode.UnknownField {
		for _, in := range inputs {
			if info, err := os.Stat(in); err == nil && info.IsDir() && job.Within(first.Source, in) {
				hint = strings.TrimPrefix(hint+"\n", "\n") + fmt.Sprintf("hint: all files in the folder %s are read; name those that hold records, such as %s",
					in, filepath.Join(in, "*.ndjson"))
			}
		}
	}
	if hint == "" {
		return err
	}
	return fmt.Errorf("%w\n%s", err, hint)
}

// hintBytes is how much of a file is looked at.
const hintBytes = 64 << 10

// headOf is the beginning of an input, or nothing if it cannot be read again.
func headOf(ctx context.Context, name string) []byte {
	if name == "-" {
		return nil
	}
	set, err := source.Expand([]string{name})
	if err != nil || !set.Inputs[0].Regular {
		return nil
	}
	defer set.Close()
	s, err := set.Sample(ctx, 0, hintBytes)
	if err != nil {
		return nil
	}
	return s.Text
}

// mistakenFor says what text seems to be that is not NDJSON, or nothing.
func mistakenFor(name string, text []byte) string {
	text = bytes.TrimSpace(text)
	if len(text) == 0 {
		return ""
	}
	line, rest, _ := bytes.Cut(text, []byte("\n"))
	line = bytes.TrimSpace(line)
	switch {
	case text[0] == '{' && !json.Valid(line):
		var first json.RawMessage
		if string(line) == "{" || json.NewDecoder(bytes.NewReader(text)).Decode(&first) == nil {
			return fmt.Sprintf("hint: %s looks like JSON with a record over several lines; put each on one: jq -c . %s > lines.ndjson", name, name)
		}
	case text[0] == '{':
		var members map[string]json.RawMessage
		if json.Unmarshal(line, &members) != nil || len(members) != 1 {
			return ""
		}
		for field, v := range members {
			if v = bytes.TrimSpace(v); len(v) > 1 && v[0] == '[' && bytes.TrimSpace(v[1:])[0] == '{' {
				return fmt.Sprintf("hint: the records seem to be inside the field %s; take them out: jq -c '.%s[]' %s > lines.ndjson", field, field, name)
			}
		}
	case text[0] == '<':
		return fmt.Sprintf("hint: %s looks like XML or HTML; quern reads JSON", name)
	case text[0] != '[' && isCSV(line, rest):
		return fmt.Sprintf("hint: %s looks like CSV; make NDJSON of it: duckdb -c \"COPY (FROM '%s') TO 'lines.ndjson'\"", name, name)
	}
	return ""
}

// isCSV says whether two lines have the same number of the same separator.
func isCSV(line, rest []byte) bool {
	second, _, _ := bytes.Cut(rest, []byte("\n"))
	for _, sep := range []string{",", ";", "\t"} {
		if n := bytes.Count(line, []byte(sep)); n > 0 && n == bytes.Count(second, []byte(sep)) {
			return true
		}
	}
	return false
}
