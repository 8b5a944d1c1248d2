package decode

// Code names the reason of a reject. Codes are stable: scripts select by them. docs/rejects.md lists them.
type Code string

// The codes.
const (
	Syntax        Code = "syntax"         // not JSON by RFC 8259
	Truncated     Code = "truncated"      // ends inside a value
	Trailing      Code = "trailing_text"  // text after the record's closing brace
	DuplicateKey  Code = "duplicate_key"  // one name twice in an object, at any depth
	BadUTF8       Code = "invalid_utf8"   // bytes that are not UTF-8
	BadEscape     Code = "invalid_escape" // an unknown escape, or half of a surrogate pair
	Control       Code = "control_character"
	BadNumber     Code = "invalid_number" // a leading zero, no digit behind a point
	OutOfRange    Code = "out_of_range"   // beyond what the column's type holds
	NotInteger    Code = "not_integer"
	TooPrecise    Code = "too_precise" // more digits than the column's type keeps
	WrongType     Code = "wrong_type"
	MissingField  Code = "missing_field"
	NullField     Code = "null_field"
	UnknownField  Code = "unknown_field"
	BadTimestamp  Code = "invalid_timestamp"
	BadDate       Code = "invalid_date"
	TooDeep       Code = "too_deep"      // nested beyond MaxDepth
	TooLarge      Code = "too_large"     // more values than MaxValues, or beyond MaxRepeated
	LineTooLong   Code = "line_too_long" // beyond the recipe's max_line
	NotAnObject   Code = "not_an_object" // the record is another JSON value
	BadListMember Code = "null_item"     // null among the objects of a list
)

// Reject says why a line is no record. Reason never holds anything of the line.
type Reject struct {
	Code   Code
	Field  string // path, with the position in a list: widget_list[3].amount; "" if it is not about one field
	Reason string
}

func (r *Reject) Error() string {
	if r.Field == "" {
		return r.Reason
	}
	return "field " + r.Field + ": " + r.Reason
}

// TooLong is the reject of a line that was not read because it is longer than the recipe allows.
func TooLong() *Reject {
	return &Reject{Code: LineTooLong, Reason: "the line is longer than the recipe's max_line"}
}
