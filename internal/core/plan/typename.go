package plan

import (
	"fmt"

	"quern/internal/column"
	"quern/internal/parquet"
)

// TypeName names a column's type as SQL people do.
func TypeName(f *parquet.Field) string {
	if len(f.Fields) > 0 {
		s := "LIST<STRUCT<"
		for i := range f.Fields {
			if i > 0 {
				s += ", "
			}
			s += f.Fields[i].Name + " " + TypeName(&f.Fields[i])
		}
		return s + ">>"
	}
	name := ""
	switch f.Logical {
	case parquet.String, parquet.JSON:
		name = "STRING"
	case parquet.Date:
		name = "DATE"
	case parquet.TimestampMicros:
		name = "TIMESTAMP(MICROS, UTC)"
	case parquet.Decimal:
		name = fmt.Sprintf("DECIMAL(%d, %d)", f.Precision, f.Scale)
	case parquet.Plain:
		name = map[column.Kind]string{column.Bool: "BOOLEAN", column.Int32: "INT32", column.Int64: "INT64", column.Double: "DOUBLE"}[f.Kind]
	}
	if f.List {
		return "LIST<" + name + ">"
	}
	return name
}

// Duplicates is the table of dropped records, which has every field of the recipe, in order.
func (p *Plan) Duplicates() *Table {
	for i := range p.Tables {
		if p.Tables[i].Role == Duplicates {
			return &p.Tables[i]
		}
	}
	panic("BUG: a plan without a table of duplicates")
}
