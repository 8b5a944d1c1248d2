package parts_test

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"quern/internal/column"
	"quern/internal/parquet"
	"quern/internal/parts"
)

var schema = &parquet.Schema{Name: "t", Fields: []parquet.Field{{Name: "n", Required: true, Kind: column.Int64}}}

func numbers(n int) []*column.Vector {
	cols := schema.NewVectors()
	for i := range n {
		cols[0].Add()
		cols[0].PutInt64(int64(i * i))
	}
	return cols
}

func create(t *testing.T, dir string) func(string) (io.WriteCloser, error) {
	return func(name string) (io.WriteCloser, error) {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		return os.Create(path)
	}
}

func TestWriter(t *testing.T) {
	pool := parquet.NewPool(2)
	defer pool.Close()
	for _, c := range []struct {
		rows     int
		size     int64
		min, max int // parts
	}{
		{1000, 0, 0, 0}, {0, 0, 0, 0}, {0, 1, 1, 1}, {1000, 1 << 20, 1, 1}, {40, 1, 40, 40}, {1000, 3000, 2, 9},
	} {
		dir := t.TempDir()
		w, err := parts.NewWriter("t.parquet", schema, parquet.Options{Pool: pool, GroupRows: 100}, parts.Options{Create: create(t, dir), FileSize: c.size})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Write(numbers(c.rows)); err != nil {
			t.Fatal(err)
		}
		done, err := w.Close()
		if err != nil {
			t.Fatal(err)
		}
		w.Abort() // does nothing
		if done.Rows != int64(c.rows) || done.Name != "t.parquet" || len(done.Parts) < c.min || len(done.Parts) > c.max {
			t.Errorf("%+v: %d rows of %s in %d parts", c, done.Rows, done.Name, len(done.Parts))
		}
		files, err := parts.List(filepath.Join(dir, "t.parquet"))
		if err != nil || len(files) != max(1, len(done.Parts)) {
			t.Fatalf("%+v: files %q, %v", c, files, err)
		}
		var sum parts.File
		for i, f := range done.Parts {
			info, err := os.Stat(files[i])
			if err != nil || info.Size() != f.Bytes {
				t.Errorf("%+v: part %d has %d bytes of %d, %v", c, i, info.Size(), f.Bytes, err)
			}
			sum = parts.File{Bytes: sum.Bytes + f.Bytes, Rows: sum.Rows + f.Rows, Groups: sum.Groups + f.Groups}
		}
		sum.Name, sum.SHA256 = done.Name, done.SHA256
		if done.Parts != nil && sum != done.File {
			t.Errorf("%+v: the whole is %+v, the sum of its parts %+v", c, done.File, sum)
		}
		if done.Parts != nil {
			out, err := exec.Command("sh", "-c", "cd "+dir+"/t.parquet && sha256sum part-*.parquet | sha256sum").Output()
			if got, _, _ := strings.Cut(string(out), " "); err != nil || got != done.SHA256 {
				t.Errorf("%+v: sha256sum says %s, %v; want %s", c, got, err, done.SHA256)
			}
		}
	}
}

var errFull = errors.New("disk full")

// open counts open files, fails to make the one after left, and closes with an error if told so.
type open struct {
	n, most, left int
	closeFails    bool
}

func (o *open) create(string) (io.WriteCloser, error) {
	if o.left--; o.left < 0 {
		return nil, errFull
	}
	o.n++
	o.most = max(o.most, o.n)
	return &file{o}, nil
}

type file struct{ *open }

func (*file) Write(b []byte) (int, error) { return len(b), nil }
func (f *file) Close() error {
	f.n--
	if f.closeFails {
		return errFull
	}
	return nil
}

// TestFails: that a file cannot be made or closed comes out of Write or Close; and one file is open at a time, none at
// the end.
func TestFails(t *testing.T) {
	for _, o := range []*open{{left: 1000}, {left: 3}, {left: 1000, closeFails: true}} {
		pool := parquet.NewPool(2)
		fails := o.left == 3 || o.closeFails
		w, err := parts.NewWriter("t", schema, parquet.Options{Pool: pool, GroupRows: 100}, parts.Options{Create: o.create, FileSize: 1})
		if err != nil {
			t.Fatal(err)
		}
		err = w.Write(numbers(300))
		if err == nil {
			_, err = w.Close()
		}
		if fails != errors.Is(err, errFull) {
			t.Errorf("%+v: error %v", o, err)
		}
		w.Abort()
		pool.Close()
		if o.most != 1 || o.n != 0 {
			t.Errorf("%+v: %d files at once, %d at the end", o, o.most, o.n)
		}
	}
	o := &open{}
	pool := parquet.NewPool(1)
	defer pool.Close()
	if _, err := parts.NewWriter("t", schema, parquet.Options{Pool: pool}, parts.Options{Create: o.create}); !errors.Is(err, errFull) {
		t.Errorf("the first file: error %v", err)
	}
}

// TestAbort: after Abort no file is made, and none stays open.
func TestAbort(t *testing.T) {
	for range 20 {
		pool := parquet.NewPool(2)
		o := &open{left: 1000}
		w, err := parts.NewWriter("t", schema, parquet.Options{Pool: pool, GroupRows: 10, PageRows: 10}, parts.Options{Create: o.create, FileSize: 1})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Write(numbers(300)); err != nil {
			t.Fatal(err)
		}
		w.Abort()
		left := o.left
		pool.Close()
		if o.left != left || o.n != 0 {
			t.Fatalf("%d files made after Abort, %d open", left-o.left, o.n)
		}
	}
}

// hanging is a file whose first long write waits until it is told to go on.
type hanging struct {
	*file
	began, goOn chan struct{}
}

func (h *hanging) Write(b []byte) (int, error) {
	if len(b) > 100<<10 && h.began != nil {
		close(h.began)
		<-h.goOn
		h.began = nil
	}
	return len(b), nil
}

// TestAbortBetweenFiles: aborted while a file is being ended, a table does not begin the next one.
func TestAbortBetweenFiles(t *testing.T) {
	pool := parquet.NewPool(2)
	defer pool.Close()
	o := &open{left: 1000}
	began, goOn, over := make(chan struct{}), make(chan struct{}), make(chan struct{})
	before := runtime.NumGoroutine()
	w, err := parts.NewWriter("t", schema, parquet.Options{Pool: pool, KeyValues: [][2]string{{"long", strings.Repeat("x", 200<<10)}}},
		parts.Options{FileSize: 1, Create: func(name string) (io.WriteCloser, error) {
			if name != "t/"+parts.Name(0) {
				close(over)
			}
			f, err := o.create(name)
			return &hanging{f.(*file), began, goOn}, err
		}})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(numbers(4)); err != nil {
		t.Fatal(err)
	}
	<-began
	w.Abort()
	close(goOn)
	for runtime.NumGoroutine() > before {
		runtime.Gosched()
	}
	select {
	case <-over:
		t.Error("another file was begun")
	default:
	}
	if o.n != 0 {
		t.Errorf("%d files are open", o.n)
	}
}

func TestList(t *testing.T) {
	for _, c := range []struct {
		names []string
		want  int // files; -1: refused
	}{
		{[]string{"part-00000.parquet"}, 1},
		{[]string{"part-00000.parquet", "part-00001.parquet", "_SUCCESS", ".crc"}, 2},
		{nil, -1},
		{[]string{"part-00001.parquet"}, -1},
		{[]string{"part-00000.parquet", "part-00002.parquet"}, -1},
		{[]string{"part-00000.parquet", "other.parquet"}, -1},
		{[]string{"part-00000.parquet", "sub/x"}, -1},
	} {
		dir := t.TempDir()
		var want []string
		for i, name := range c.names {
			path := filepath.Join(dir, name)
			if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, nil, 0o600)); err != nil {
				t.Fatal(err)
			}
			if i < c.want {
				want = append(want, path)
			}
		}
		got, err := parts.List(dir)
		if !reflect.DeepEqual(got, want) || (err == nil) != (c.want > 0) || err != nil && !errors.Is(err, parts.ErrNotParts) {
			t.Errorf("%q: %q, %v", c.names, got, err)
		}
	}
	if _, err := parts.List(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no folder: %v", err)
	}
}
