// Package rows prints Parquet tables as JSON lines, for tests to compare. It reads with parquet-go and puts records
// together on its own, so that it shares no code with quern's writer and reader.
package rows

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
)

// Write prints the rows of the table at path, one a line: the given columns, or all, in the table's order. Timestamps,
// dates and decimals are strings as people write them.
func Write(w io.Writer, path string, columns ...string) error {
	return each(path, func(fields []parquet.Field, row parquet.Row) error {
		_, err := w.Write(record(fields, row, columns))
		return err
	})
}

// Strings returns the strings that a column has, in order, without its nulls.
func Strings(path, column string) (out []string, err error) {
	known := false
	err = each(path, func(fields []parquet.Field, row parquet.Row) error {
		leaf := 0
		for _, f := range fields {
			if f.Name() != column {
				leaf += leaves(f)
				continue
			}
			known = true
			for _, v := range row {
				if v.Column() == leaf && !v.IsNull() {
					out = append(out, string(v.ByteArray()))
				}
			}
		}
		return nil
	})
	if err == nil && !known {
		err = fmt.Errorf("%s: no rows, or no column %q", path, column)
	}
	return out, err
}

// each calls do for the rows of a table: a file, or all files of a folder in the order of their names.
func each(path string, do func([]parquet.Field, parquet.Row) error) error {
	entries, err := os.ReadDir(path)
	if err != nil {
		return eachOf(path, do)
	}
	for _, e := range entries {
		if err := eachOf(filepath.Join(path, e.Name()), do); err != nil {
			return err
		}
	}
	return nil
}

func eachOf(path string, do func([]parquet.Field, parquet.Row) error) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	table, err := parquet.OpenFile(f, info.Size())
	if err != nil {
		return err
	}
	for _, g := range table.RowGroups() {
		if err := group(table.Schema().Fields(), g, do); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	return nil
}

func group(fields []parquet.Field, g parquet.RowGroup, do func([]parquet.Field, parquet.Row) error) error {
	rows := g.Rows()
	defer rows.Close()
	buf := make([]parquet.Row, 64)
	for {
		n, err := rows.ReadRows(buf)
		for _, row := range buf[:n] {
			if err := do(fields, row); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// record is a row as a line.
func record(fields []parquet.Field, row parquet.Row, wanted []string) []byte {
	var columns [][]parquet.Value
	row.Range(func(_ int, values []parquet.Value) bool {
		columns = append(columns, values)
		return true
	})
	var b bytes.Buffer
	b.WriteByte('{')
	for _, f := range fields {
		n := leaves(f)
		if len(wanted) > 0 && !slices.Contains(wanted, f.Name()) {
			columns = columns[n:]
			continue
		}
		if b.Len() > 1 {
			b.WriteByte(',')
		}
		text(&b, []byte(f.Name()))
		b.WriteByte(':')
		if f.Leaf() {
			scalar(&b, f, columns[0][0])
		} else {
			list(&b, f, columns[:n])
		}
		columns = columns[n:]
	}
	b.WriteString("}\n")
	return b.Bytes()
}

func leaves(f parquet.Field) int {
	if f.Leaf() {
		return 1
	}
	n := 0
	for _, c := range f.Fields() {
		n += leaves(c)
	}
	return n
}

// list prints a LIST of three levels: optional or required, repeated, element.
func list(b *bytes.Buffer, f parquet.Field, columns [][]parquet.Value) {
	present := 0
	if f.Optional() {
		present = 1
	}
	element := f.Fields()[0].Fields()[0]
	switch def := columns[0][0].DefinitionLevel(); {
	case def < present:
		b.WriteString("null")
		return
	case def == present:
		b.WriteString("[]")
		return
	}
	b.WriteByte('[')
	for i := range columns[0] {
		if i > 0 {
			b.WriteByte(',')
		}
		if element.Leaf() {
			scalar(b, element, columns[0][i])
			continue
		}
		b.WriteByte('{')
		for j, m := range element.Fields() {
			if j > 0 {
				b.WriteByte(',')
			}
			text(b, []byte(m.Name()))
			b.WriteByte(':')
			scalar(b, m, columns[j][i])
		}
		b.WriteByte('}')
	}
	b.WriteByte(']')
}

func scalar(b *bytes.Buffer, f parquet.Field, v parquet.Value) {
	if v.IsNull() {
		b.WriteString("null")
		return
	}
	var logical format.LogicalTypeValue
	if l := f.Type().LogicalType(); l != nil {
		logical = l.Value
	}
	switch l := logical.(type) {
	case *format.DateType:
		fmt.Fprintf(b, "%q", time.Unix(int64(v.Int32())*86400, 0).UTC().Format(time.DateOnly))
		return
	case *format.TimestampType:
		fmt.Fprintf(b, "%q", time.UnixMicro(v.Int64()).UTC().Format(time.RFC3339Nano))
		return
	case *format.DecimalType:
		decimal(b, int(l.Scale), v)
		return
	}
	switch {
	case v.Kind() == parquet.Double:
		b.WriteString(strconv.FormatFloat(v.Double(), 'g', -1, 64))
	case v.Kind() == parquet.Boolean:
		fmt.Fprint(b, v.Boolean())
	case v.Kind() == parquet.Int32:
		fmt.Fprint(b, v.Int32())
	case v.Kind() == parquet.Int64:
		fmt.Fprint(b, v.Int64())
	default:
		text(b, v.ByteArray())
	}
}

func decimal(b *bytes.Buffer, scale int, v parquet.Value) {
	n := new(big.Int)
	switch v.Kind() {
	case parquet.Int32:
		n.SetInt64(int64(v.Int32()))
	case parquet.Int64:
		n.SetInt64(v.Int64())
	default:
		raw := v.ByteArray()
		n.SetBytes(raw)
		if raw[0]&0x80 != 0 {
			n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(raw))))
		}
	}
	digits := new(big.Int).Abs(n).String()
	digits = strings.Repeat("0", max(0, scale+1-len(digits))) + digits
	sign := ""
	if n.Sign() < 0 {
		sign = "-"
	}
	if scale > 0 {
		digits = digits[:len(digits)-scale] + "." + digits[len(digits)-scale:]
	}
	fmt.Fprintf(b, "%q", sign+digits)
}

func text(b *bytes.Buffer, s []byte) {
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	_ = e.Encode(string(s)) // a string can be encoded
	b.Truncate(b.Len() - 1) // the line break
}
