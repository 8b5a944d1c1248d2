package decode_test

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"testing"

	"quern/internal/core/decode"
	"quern/internal/core/plan"
	"quern/internal/core/recipe"
)

// secret stands for personal data in lines of tests: no reject may hold it.
const secret = "zq9x"

// compile makes a plan of a recipe without its first line and table.
func compile(tb testing.TB, fields string) *plan.Plan {
	tb.Helper()
	r, err := recipe.Parse("test.yaml", []byte("version: 1\ntable: {name: t}\n"+fields))
	if err != nil {
		tb.Fatal(err)
	}
	p, err := plan.Compile(r, plan.Normalized)
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

// tried is a decoder with a record, and a line to try before each: what it leaves must not matter.
type tried struct {
	plan *plan.Plan
	dec  *decode.Decoder
	rec  *decode.Record
}

func newTried(tb testing.TB, fields string) *tried {
	p := compile(tb, fields)
	return &tried{p, decode.New(p), decode.NewRecord(p)}
}

// line decodes a line to the text of its values, or to "code field".
func (d *tried) line(t testing.TB, line string) string {
	t.Helper()
	why := d.dec.Decode([]byte(line), d.rec)
	if why == nil {
		return show(d.plan, d.rec)
	}
	if strings.Contains(why.Reason+why.Field, secret) {
		t.Errorf("%.100q: the reject has data of the line: %q %q", line, why.Field, why.Reason)
	}
	if why.Reason == "" || why.Error() == "" {
		t.Errorf("%.100q: code %s has no reason", line, why.Code)
	}
	return strings.TrimSpace(string(why.Code) + " " + why.Field)
}

// check decodes a line and compares.
func (d *tried) check(t testing.TB, line, want string) {
	t.Helper()
	if have := d.line(t, line); have != want {
		t.Errorf("%.200q:\n have %.300s\n want %.300s", line, have, want)
	}
}

// show writes a record as name=value; fields that are missing are left out.
func show(p *plan.Plan, rec *decode.Record) string {
	var out []string
	for i := range p.Recipe.Fields {
		f := &p.Recipe.Fields[i]
		v := &rec.Values[i]
		switch {
		case v.State == decode.Missing:
		case v.State == decode.Null:
			out = append(out, f.Name+"=null")
		case f.Type.Kind == recipe.List:
			out = append(out, f.Name+"="+showList(f, &rec.Lists[p.ListOf[i]]))
		default:
			out = append(out, f.Name+"="+showValue(&f.Type, v))
		}
	}
	if len(rec.Rescued) > 0 {
		out = append(out, "+"+string(rec.Rescued))
	}
	return strings.Join(out, " ")
}

func showList(f *recipe.Field, l *decode.List) string {
	items := make([]string, l.N)
	for i := range items {
		vals := l.Item(i)
		if f.Elem != nil {
			items[i] = showValue(f.Elem, &vals[0])
			continue
		}
		var members []string
		for j := range vals {
			if vals[j].State != decode.Missing {
				members = append(members, f.Items[j].Name+"="+showValue(&f.Items[j].Type, &vals[j]))
			}
		}
		items[i] = "{" + strings.Join(members, " ") + "}"
	}
	return "[" + strings.Join(items, " ") + "]"
}

func showValue(t *recipe.Type, v *decode.Value) string {
	switch {
	case v.State != decode.Present:
		return "null"
	case t.Kind == recipe.String:
		return strconv.Quote(string(v.Bytes))
	case t.Kind == recipe.JSON:
		return string(v.Bytes)
	case t.Kind == recipe.Double:
		return strconv.FormatFloat(math.Float64frombits(v.Bits), 'g', -1, 64)
	case t.Kind == recipe.Boolean:
		return strconv.FormatBool(v.Bits != 0)
	case t.Kind == recipe.Decimal && t.Precision > 18:
		n := new(big.Int).SetBytes(v.Bytes)
		if v.Bytes[0]&0x80 != 0 {
			n.Sub(n, new(big.Int).Lsh(big.NewInt(1), 128))
		}
		return n.String()
	}
	return fmt.Sprint(int64(v.Bits))
}

// typed decodes {"v":value} with a field v of a type; what is wanted is a value, or "code field".
func typed(tb testing.TB, typ string) func(t testing.TB, value, want string) {
	d := newTried(tb, "fields: {v: "+typ+"}")
	return func(t testing.TB, value, want string) {
		t.Helper()
		if !strings.Contains(want, " ") { // a value, not a reject
			want = "v=" + want
		}
		d.check(t, `{"v":`+value+`}`, strings.TrimSuffix(want, " "))
	}
}
