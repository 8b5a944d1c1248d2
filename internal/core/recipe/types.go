package recipe

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// kinds are the types' names; decimal has its digits behind it.
var kinds = map[string]Kind{
	"string": String, "boolean": Boolean, "int32": Int32, "int64": Int64, "double": Double, "decimal": Decimal,
	"timestamp": Timestamp, "date": Date, "json": JSON, "list": List,
}

// foreign are the names that other systems have for the types.
var foreign = map[string]string{
	"str": "string", "text": "string", "varchar": "string", "char": "string", "utf8": "string", "uuid": "string",
	"bool": "boolean", "int": "int64", "integer": "int64", "long": "int64", "bigint": "int64", "uint32": "int64",
	"short": "int32", "smallint": "int32", "int8": "int32", "int16": "int32", "float": "double", "float32": "double",
	"float64": "double", "real": "double", "number": "double", "numeric": "decimal(18,2)",
	"datetime": "timestamp", "time": "timestamp", "array": "list", "object": "json", "struct": "json", "map": "json",
	"any": "json", "dict": "json",
}

// String is the kind's name in a recipe.
func (k Kind) String() string {
	for name, kind := range kinds {
		if kind == k {
			return name
		}
	}
	return fmt.Sprintf("Kind(%d)", k)
}

// String is the type as a recipe writes it, without a timestamp's format.
func (t Type) String() string {
	if t.Kind == Decimal {
		return fmt.Sprintf("decimal(%d,%d)", t.Precision, t.Scale)
	}
	return t.Kind.String()
}

const maxPrecision = 38

var decimalType = regexp.MustCompile(`^decimal\(\s*(\d{1,4})\s*,\s*(\d{1,4})\s*\)$`)

// Inside { } YAML ends a word at a comma: decimal(18,2) becomes the word decimal(18 and the key 2) without a value.
var (
	cutType  = regexp.MustCompile(`^decimal\(\s*\d+$`)
	typeRest = regexp.MustCompile(`^\d+\s*\)$`)
)

// isTypeRest says whether key i of a mapping is what is left of a decimal in the value before it.
func isTypeRest(n *yaml.Node, i int) bool {
	return i > 0 && typeRest.MatchString(n.Content[i].Value) && cutType.MatchString(n.Content[i-1].Value)
}

// typeOf reads a type's name.
func (p *parser) typeOf(w word) (Type, bool) {
	if m := decimalType.FindStringSubmatch(w.text); m != nil {
		precision, _ := strconv.Atoi(m[1])
		scale, _ := strconv.Atoi(m[2])
		switch {
		case precision < 1 || precision > maxPrecision:
			p.add(w.at, "", "a decimal has 1 to %d digits, not %d", maxPrecision, precision)
			return Type{}, false
		case scale > precision:
			p.add(w.at, "", "a decimal of %d digits cannot have %d of them behind the point", precision, scale)
			return Type{}, false
		}
		return Type{Kind: Decimal, Precision: precision, Scale: scale}, true
	}
	if cutType.MatchString(w.text) {
		p.add(w.at, `put the type in quotes, as in "decimal(18,2)"`, "the comma ends the type here, between brackets")
		return Type{}, false
	}
	if strings.HasPrefix(w.text, "decimal") {
		p.add(w.at, "write decimal(18,2) for 18 digits, two of them behind the point",
			"%s does not say how many digits", quote(w.text))
		return Type{}, false
	}
	kind, ok := kinds[w.text]
	if !ok {
		if ours, ok := foreign[strings.ToLower(w.text)]; ok {
			p.add(w.at, "did you mean "+quote(ours)+"?", "unknown type %s", quote(w.text))
		} else {
			p.addUnknown(w, func() []string { return slices.Collect(maps.Keys(kinds)) }, "unknown type %s", quote(w.text))
		}
	}
	return Type{Kind: kind}, ok
}

// timeFormats are the named ways to write a timestamp; any other is a layout.
var timeFormats = map[string]TimeFormat{
	"rfc3339": RFC3339, "epoch_seconds": EpochSecond, "epoch_milliseconds": EpochMilli, "epoch_microseconds": EpochMicro,
}

// format reads how a timestamp is written into t.
func (p *parser) format(w word, t *Type) bool {
	if f, ok := timeFormats[w.text]; ok {
		t.Format = f
		return true
	}
	const hint = "a layout shows how Mon Jan 2 15:04:05 -0700 2006 is written"
	// What a layout leaves out of a time, or cannot read back, is lost in what it writes.
	sample := time.Date(2019, time.November, 23, 21, 14, 15, 0, time.UTC)
	written := sample.Format(w.text)
	read, err := time.Parse(w.text, written)
	switch {
	case written == w.text:
		p.addUnknown(w, func() []string { return slices.Collect(maps.Keys(timeFormats)) },
			"%s is neither the name of a format nor a layout", quote(w.text))
		return false
	case strings.Contains(w.text, "MST"):
		p.add(w.at, "write -0700, or the letters themselves where they are always the same, such as GMT",
			"letters such as MST do not say which zone is meant")
		return false
	case err != nil:
		p.add(w.at, hint, "times written by the layout %s cannot be read back", quote(w.text))
		return false
	case read.Year() != sample.Year() || read.YearDay() != sample.YearDay():
		p.add(w.at, hint, "the layout %s lacks a year, a month or a day", quote(w.text))
		return false
	case read.Hour() != sample.Hour() && read.Hour() != 0:
		p.add(w.at, "write 15 for a clock of 24 hours, or add PM", "the layout %s does not say which half of the day",
			quote(w.text))
		return false
	}
	t.Format, t.Layout = Layout, w.text
	return true
}
