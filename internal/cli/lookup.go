package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"quern/internal/column"
	"quern/internal/lookup"
)

// lookupFlags are the flags of lookup as they were written.
type lookupFlags struct {
	index       string
	json, count bool
}

func newLookup(s Streams) *cobra.Command {
	var f lookupFlags
	cmd := &cobra.Command{
		Use:   "lookup [flags] OUT KEY...",
		Short: "answer from the inverted index: which ids are in Canada",
		Long: `lookup prints the ids that have a key, one a line and ascending, from an inverted index of
the output OUT. With several keys each line is KEY, a tab and the id, in the order asked. It
reads the pages that can have the key and no others. OUT may be a URL.`,
		Example: `  quern lookup quern-out Canada
  quern lookup --count quern-out Canada "New Zealand"
  quern lookup s3://bucket/tables Canada`,
		Args: cobra.MinimumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runLookup(cmd.Context(), s, &f, args[0], args[1:])
		},
	}
	fl := cmd.Flags()
	fl.StringVar(&f.index, "index", "", "`NAME` of the index (default: the only one)")
	fl.BoolVar(&f.json, "json", false, "print one JSON object: {\"key\": [ids...], ...}")
	fl.BoolVar(&f.count, "count", false, "print how many ids there are instead of them")
	return cmd
}

func runLookup(ctx context.Context, s Streams, f *lookupFlags, out string, keys []string) (err error) {
	x, err := lookup.Open(ctx, out, f.index)
	if errors.Is(err, lookup.ErrChoice) {
		return usageError{err}
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, x.Close()) }()
	w := bufio.NewWriterSize(s.Out, 64<<10)
	a := answer{Writer: w, index: x, count: f.count, several: len(keys) > 1}
	answerKey := a.lines
	if f.json {
		keys = distinct(keys) // an object has a name once
		answerKey = a.member
		a.raw("{")
	}
	missing := unknownKeys{index: x}
	for _, key := range keys {
		n, err := answerKey(ctx, key)
		switch {
		case errors.Is(err, lookup.ErrKey):
			missing.wrong = append(missing.wrong, err)
		case err != nil:
			if mixed := x.Settled(); mixed != nil {
				err = mixed
			}
			return errors.Join(err, w.Flush())
		case n == 0:
			missing.keys = append(missing.keys, key)
		}
	}
	if f.json {
		a.raw("}\n")
	}
	if err := w.Flush(); err != nil {
		return err
	}
	err = missing.error()
	if mixed := x.Settled(); mixed != nil {
		return mixed
	}
	return err
}

// distinct is keys without repeats, in their order.
func distinct(keys []string) []string {
	seen := map[string]bool{}
	return slices.DeleteFunc(slices.Clone(keys), func(k string) bool {
		again := seen[k]
		seen[k] = true
		return again
	})
}

// answer prints what keys have. Errors of writing stay with the Writer until it is flushed, but end a key's ids.
type answer struct {
	*bufio.Writer
	index   *lookup.Index
	count   bool
	several bool // keys, so each line names its own
	members int  // of the JSON object so far
	buf     []byte
}

func (a *answer) raw(text string) { _, _ = a.WriteString(text) }

// lines prints a key's ids, one a line, or their number.
func (a *answer) lines(ctx context.Context, key string) (int64, error) {
	prefix := ""
	if a.several {
		prefix = key + "\t"
	}
	n, err := a.index.IDs(ctx, key, func(ids *column.Vector) error {
		if a.count {
			return nil
		}
		for i := range ids.Values() {
			a.buf = append(a.index.AppendText(append(a.buf[:0], prefix...), ids, i), '\n')
			if _, err := a.Write(a.buf); err != nil {
				return err
			}
		}
		return nil
	})
	if a.count && err == nil {
		a.raw(prefix + strconv.FormatInt(n, 10) + "\n")
	}
	return n, err
}

// member prints a key and its ids, or their number, as a member of a JSON object.
func (a *answer) member(ctx context.Context, key string) (int64, error) {
	name, err := json.Marshal(key)
	if err != nil {
		return 0, err
	}
	if a.members > 0 {
		a.raw(",\n ")
	}
	a.members++
	a.raw(string(name) + ": ")
	if !a.count {
		a.raw("[")
	}
	first := true
	n, err := a.index.IDs(ctx, key, func(ids *column.Vector) error {
		for i := range ids.Values() {
			if a.count {
				break
			}
			a.buf = a.buf[:0]
			if !first {
				a.buf = append(a.buf, ',')
			}
			first = false
			a.buf = a.index.AppendJSON(a.buf, ids, i)
			if _, err := a.Write(a.buf); err != nil {
				return err
			}
		}
		return nil
	})
	if a.count {
		a.raw(strconv.FormatInt(n, 10))
	} else {
		a.raw("]")
	}
	return n, err
}

// unknownKeys are the keys that an index has not.
type unknownKeys struct {
	index *lookup.Index
	keys  []string
	wrong []error // of keys of another type
}

// error names the keys, and those that were probably meant.
func (u *unknownKeys) error() error {
	var parts []string
	for _, key := range u.keys {
		part := fmt.Sprintf("no such key %q in %s", key, u.index.Name)
		near, ok, err := u.index.Nearest(key)
		if err != nil {
			return err
		}
		if ok {
			part += fmt.Sprintf("; did you mean %s?", near)
		}
		parts = append(parts, part)
	}
	for _, err := range u.wrong {
		parts = append(parts, err.Error())
	}
	if len(parts) == 0 {
		return nil
	}
	return errors.New(strings.Join(parts, "\n"))
}
