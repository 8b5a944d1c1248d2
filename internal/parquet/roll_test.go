package parquet

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"runtime"
	"testing"

	"quern/internal/column"
)

// files writes cols to files of at most limit bytes, in pages of so many rows.
func files(t *testing.T, cols []*column.Vector, limit int64, pageRows, workers, chunk int) (out []*bytes.Buffer, infos []Info) {
	t.Helper()
	pool := NewPool(workers)
	defer pool.Close()
	out = append(out, &bytes.Buffer{})
	o := Options{Pool: pool, PageRows: pageRows, GroupRows: 700, FileBytes: limit, CreatedBy: "quern", Sorting: []int{0},
		Next: func(done Info) (io.Writer, error) {
			infos = append(infos, done)
			out = append(out, &bytes.Buffer{})
			return out[len(out)-1], nil
		}}
	w := NewWriter(out[0], everything, o)
	writeRows(t, w, everything, cols, func() int { return chunk })
	total, err := w.Close()
	if err != nil {
		t.Fatal(err)
	}
	last := total
	for _, i := range infos {
		last = Info{last.Rows - i.Rows, last.Groups - i.Groups, last.Bytes - i.Bytes}
	}
	return out, append(infos, last)
}

// TestFileBytes: files of limited length hold the rows in order, are no longer unless they have one row group, are as
// full as row groups allow, and are the same for any workers.
func TestFileBytes(t *testing.T) {
	for i, shape := range shapes {
		cols := table(everything, 3000, shape, uint64(i))
		for _, limit := range []int64{4_000, 30_000, 100_000, 250_000, 1 << 40} {
			t.Run(fmt.Sprintf("shape %d, limit %d", i, limit), func(t *testing.T) {
				got, infos := files(t, cols, limit, 100, 2, 0)
				marks := make([]column.Mark, len(cols))
				for j, b := range got {
					f := open(t, b.Bytes())
					rows, groups := int(f.NumRows()), len(f.RowGroups())
					if want := (Info{int64(rows), groups, int64(b.Len())}); infos[j] != want {
						t.Fatalf("file %d: info %+v, want %+v", j, infos[j], want)
					}
					if int64(b.Len()) > limit && groups > 1 {
						t.Errorf("file %d: %d bytes in %d row groups", j, b.Len(), groups)
					}
					part := everything.NewVectors()
					for k, v := range cols {
						next := v.Skip(marks[k], rows)
						part[k].AppendRange(v, marks[k], next)
						marks[k] = next
					}
					equal(t, b.Bytes(), part)
				}
				if marks[0] != cols[0].End() {
					t.Error("rows are missing")
				}
				if n := len(got); limit == 4_000 && n < 10 || limit == 1<<40 && n > 1 {
					t.Errorf("%d files", n)
				}
				for _, workers := range []int{1, 5} {
					again, _ := files(t, cols, limit, 100, workers, 333)
					if len(again) != len(got) {
						t.Fatalf("%d workers: %d files, not %d", workers, len(again), len(got))
					}
					for j := range got {
						if !bytes.Equal(again[j].Bytes(), got[j].Bytes()) {
							t.Errorf("%d workers: file %d has other bytes", workers, j)
						}
					}
				}
			})
		}
	}
}

// TestSizeOfIndexes: page indexes, which are written at a file's end, are part of its length.
func TestSizeOfIndexes(t *testing.T) {
	cols := table(everything, 6000, shapes[0], 1)
	for limit := int64(405_000); limit < 450_000; limit += 5_000 {
		got, infos := files(t, cols, limit, 5, 2, 0)
		for i, b := range got {
			if int64(b.Len()) > limit && infos[i].Groups > 1 {
				t.Errorf("a file of %d bytes in %d row groups, at a limit of %d", b.Len(), infos[i].Groups, limit)
			}
		}
	}
}

// TestFilesAreFull: files come near their limit.
func TestFilesAreFull(t *testing.T) {
	cols := usualRows(60_000)
	pool := NewPool(2)
	defer pool.Close()
	for _, limit := range []int64{1 << 20, 4 << 20} {
		var sizes []int64
		w := NewWriter(io.Discard, usual, Options{Pool: pool, FileBytes: limit, Next: func(done Info) (io.Writer, error) {
			sizes = append(sizes, done.Bytes)
			return io.Discard, nil
		}})
		for range 4 {
			writeRows(t, w, usual, cols, func() int { return 0 })
		}
		if _, err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if len(sizes) < 3 {
			t.Fatalf("%d files of %d bytes", len(sizes), limit)
		}
		for _, n := range sizes {
			if n < limit*3/4 || n > limit {
				t.Errorf("a file of %d bytes, at a limit of %d", n, limit)
			}
		}
	}
}

// TestNoNextFile: that a file cannot be begun is an error of the writer, and no goroutine stays.
func TestNoNextFile(t *testing.T) {
	cols := table(everything, 3000, shape{}, 1)
	pool := NewPool(2)
	defer pool.Close()
	before := runtime.NumGoroutine()
	w := NewWriter(io.Discard, everything, Options{Pool: pool, FileBytes: 1, GroupRows: 300, PageRows: 100,
		Next: func(Info) (io.Writer, error) { return nil, errFull }})
	err := w.Write(cols)
	if err == nil {
		_, err = w.Close()
	}
	if !errors.Is(err, errFull) {
		t.Errorf("error %v, want %v", err, errFull)
	}
	w.Abort()
	settled(t, before)
}
