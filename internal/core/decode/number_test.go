package decode_test

import (
	"fmt"
	"strings"
	"testing"
)

func zeros(n int) string { return strings.Repeat("0", n) }

func TestIntegers(t *testing.T) {
	i32, i64 := typed(t, "int32"), typed(t, "int64")
	for _, c := range []struct{ value, int32, int64 string }{
		{"0", "0", "0"},
		{"-0", "0", "0"},
		{"-0.0e-5", "0", "0"},
		{"7", "7", "7"},
		{"-7", "-7", "-7"},
		{"1e3", "1000", "1000"},
		{"1E+3", "1000", "1000"},
		{"1.0", "1", "1"},
		{"-1.50e1", "-15", "-15"},
		{"100e-2", "1", "1"},
		{"1.000000000000000000000000000000", "1", "1"},
		{"1000000000000000000000000000000e-30", "1", "1"},
		{"0.000000000000000000000000000001e30", "1", "1"},
		{"0e999999999999", "0", "0"},
		{"0.00e-999999999999", "0", "0"},
		{"0e99999999999999999999999999", "0", "0"},
		{"1" + zeros(100_000) + "e-100000", "1", "1"},
		{"0." + zeros(99_999) + "1e100000", "1", "1"},
		{"2147483647", "2147483647", "2147483647"},
		{"-2147483648", "-2147483648", "-2147483648"},
		{"2147483648", "out_of_range v", "2147483648"},
		{"-2147483649", "out_of_range v", "-2147483649"},
		{"-21474836480e-1", "-2147483648", "-2147483648"},
		{"9223372036854775807", "out_of_range v", "9223372036854775807"},
		{"-9223372036854775808", "out_of_range v", "-9223372036854775808"},
		{"-9223372036854775808.000", "out_of_range v", "-9223372036854775808"},
		{"9223372036854775808", "out_of_range v", "out_of_range v"},
		{"-9223372036854775809", "out_of_range v", "out_of_range v"},
		{"18446744073709551615", "out_of_range v", "out_of_range v"},
		{"18446744073709551616", "out_of_range v", "out_of_range v"},
		{"18446744073709551617", "out_of_range v", "out_of_range v"}, // 1 modulo 2^64
		{"340282366920938463463374607431768211456", "out_of_range v", "out_of_range v"},
		{"340282366920938463463374607431768211457", "out_of_range v", "out_of_range v"}, // 1 modulo 2^128
		{"1" + zeros(50), "out_of_range v", "out_of_range v"},
		{"1e400", "out_of_range v", "out_of_range v"},
		{"1e999999999999", "out_of_range v", "out_of_range v"},
		{"1e99999999999999999999999999", "out_of_range v", "out_of_range v"},
		{"1.5", "not_integer v", "not_integer v"},
		{"1e-1", "not_integer v", "not_integer v"},
		{"1e-400", "not_integer v", "not_integer v"},
		{"1e-99999999999999999999999999", "not_integer v", "not_integer v"},
		{"1234567890123456789012345678901234567890123.5", "not_integer v", "not_integer v"},
		{"1234567890123456789012345678901234567890123.0", "out_of_range v", "out_of_range v"},
		{"1234567890123456789012345678901234567890123000e-3", "out_of_range v", "out_of_range v"},
		{"123456789012345678901234567890123456789012300e-3", "not_integer v", "not_integer v"},
		{"1.0000000000000000000000000000001", "not_integer v", "not_integer v"},
		{"01", "invalid_number v", "invalid_number v"},
		{"-01", "invalid_number v", "invalid_number v"},
		{"00", "invalid_number v", "invalid_number v"},
		{"00.5", "invalid_number v", "invalid_number v"},
		{"1.", "invalid_number v", "invalid_number v"},
		{"1.e5", "invalid_number v", "invalid_number v"},
		{"1e", "invalid_number v", "invalid_number v"},
		{"1e+", "invalid_number v", "invalid_number v"},
		{"1e5.0", "syntax ", "syntax "},
		{"-", "invalid_number v", "invalid_number v"},
		{"--1", "invalid_number v", "invalid_number v"},
		{"-.5", "invalid_number v", "invalid_number v"},
		{"-Infinity", "invalid_number v", "invalid_number v"},
		{".5", "syntax v", "syntax v"},
		{"+1", "syntax v", "syntax v"},
		{"NaN", "syntax v", "syntax v"},
		{"Infinity", "syntax v", "syntax v"},
		{"0x10", "syntax ", "syntax "},
		{"1_000", "syntax ", "syntax "},
		{"1,000", "syntax ", "syntax "},
		{"１", "syntax v", "syntax v"},
		{`"1"`, "wrong_type v", "wrong_type v"},
		{"true", "wrong_type v", "wrong_type v"},
	} {
		i32(t, c.value, c.int32)
		i64(t, c.value, c.int64)
	}
}

func TestDoubles(t *testing.T) {
	check := typed(t, "double")
	for _, c := range []struct{ value, want string }{
		{"0", "0"},
		{"-0", "-0"},
		{"-0.0", "-0"},
		{"0e999999999999", "0"},
		{"-0.000e-999999999999", "-0"},
		{"1.5", "1.5"},
		{"351.08", "351.08"},
		{"0.467348141", "0.467348141"},
		{"0.1", "0.1"},
		{"123456789012345678", "1.2345678901234568e+17"},
		{"9007199254740993", "9.007199254740992e+15"},
		{"9007199254740993.0000000000000000000000000001", "9.007199254740994e+15"},
		{"1e22", "1e+22"},
		{"1e23", "1e+23"},
		{"1e-22", "1e-22"},
		{"179769313486231570e291", "1.7976931348623157e+308"},
		{"1.7976931348623158e308", "1.7976931348623157e+308"},
		{"5e-324", "5e-324"},
		{"2.5e-324", "5e-324"},
		{"2.4e-324", "out_of_range v"},
		{"1.7976931348623159e308", "out_of_range v"},
		{"1e400", "out_of_range v"},
		{"-1e400", "out_of_range v"},
		{"1e-400", "out_of_range v"},
		{"1e999999999999", "out_of_range v"},
		{"1e-999999999999", "out_of_range v"},
		// strconv reads five digits of an exponent, and would say 1 and 1, inf and 0.
		{"0." + zeros(12_344) + "1e123456", "out_of_range v"},
		{"1" + zeros(12_345) + "e-123456", "out_of_range v"},
		{"0." + zeros(123_455) + "1e123456", "1"},
		{"-1" + zeros(123_456) + "e-123456", "-1"},
		{"-0." + zeros(123_456) + "e123456", "-0"},
		{"01.5", "invalid_number v"},
		{"1.", "invalid_number v"},
		{".5", "syntax v"},
		{"NaN", "syntax v"},
		{`"1.5"`, "wrong_type v"},
	} {
		check(t, c.value, c.want)
	}
}

func TestDecimals(t *testing.T) {
	for _, c := range []struct{ typ, value, want string }{
		{"decimal(9,2)", "1.5", "150"},
		{"decimal(9,2)", `"1.5"`, "150"},
		{"decimal(9,2)", "-1.50", "-150"},
		{"decimal(9,2)", "1.500000000000000000000000000000", "150"},
		{"decimal(9,2)", "150e-2", "150"},
		{"decimal(9,2)", "1.5e1", "1500"},
		{"decimal(9,2)", "-0.00", "0"},
		{"decimal(9,2)", "0e99999999999999", "0"},
		{"decimal(9,2)", "9999999.99", "999999999"},
		{"decimal(9,2)", "-9999999.99", "-999999999"},
		{"decimal(9,2)", "10000000", "out_of_range v"},
		{"decimal(9,2)", "-10000000.00", "out_of_range v"},
		{"decimal(9,2)", "1e400", "out_of_range v"},
		{"decimal(9,2)", "0.001", "too_precise v"},
		{"decimal(9,2)", "1e-400", "too_precise v"},
		{"decimal(9,2)", "12345678901234567890123456789012345678901234567890.001", "too_precise v"},
		{"decimal(9,2)", "12345678901234567890123456789012345678901234567890.000", "out_of_range v"},
		{"decimal(9,9)", "0.999999999", "999999999"},
		{"decimal(9,9)", "1", "out_of_range v"},
		{"decimal(1,0)", "9", "9"},
		{"decimal(1,0)", "10", "out_of_range v"},
		{"decimal(18,0)", "999999999999999999", "999999999999999999"},
		{"decimal(18,0)", "-999999999999999999", "-999999999999999999"},
		{"decimal(18,0)", "1000000000000000000", "out_of_range v"},
		{"decimal(18,18)", "-0.000000000000000001", "-1"},
		{"decimal(19,0)", "9999999999999999999", "9999999999999999999"},
		{"decimal(19,0)", "-9999999999999999999", "-9999999999999999999"},
		{"decimal(19,0)", "-18446744073709551616", "out_of_range v"},
		{"decimal(20,0)", "18446744073709551616", "18446744073709551616"},
		{"decimal(20,0)", "-18446744073709551616", "-18446744073709551616"}, // its low word is 0
		{"decimal(38,0)", strings.Repeat("9", 38), strings.Repeat("9", 38)},
		{"decimal(38,0)", "-" + strings.Repeat("9", 38), "-" + strings.Repeat("9", 38)},
		{"decimal(38,0)", "1" + zeros(38), "out_of_range v"},
		{"decimal(38,0)", "340282366920938463463374607431768211456", "out_of_range v"},
		{"decimal(38,38)", "0." + strings.Repeat("9", 38), strings.Repeat("9", 38)},
		{"decimal(38,38)", "0." + zeros(37) + "1", "1"},
		{"decimal(38,38)", "1e-38", "1"},
		{"decimal(38,38)", "1e-39", "too_precise v"},
		{"decimal(38,10)", `"-123456789012345678901234567.0123456789"`, "-1234567890123456789012345670123456789"},
		{"decimal(9,2)", `"1e1"`, "1000"},
		{"decimal(9,2)", `"\u0031"`, "100"},
		{"decimal(9,2)", `""`, "invalid_number v"},
		{"decimal(9,2)", `" 1"`, "invalid_number v"},
		{"decimal(9,2)", `"1 "`, "invalid_number v"},
		{"decimal(9,2)", `"+1"`, "invalid_number v"},
		{"decimal(9,2)", `"1,5"`, "invalid_number v"},
		{"decimal(9,2)", `".5"`, "invalid_number v"},
		{"decimal(9,2)", `"1."`, "invalid_number v"},
		{"decimal(9,2)", `"01"`, "invalid_number v"},
		{"decimal(9,2)", `"-"`, "invalid_number v"},
		{"decimal(9,2)", `"NaN"`, "invalid_number v"},
		{"decimal(9,2)", `"` + secret + `"`, "invalid_number v"},
		{"decimal(9,2)", `"1` + "\x00" + `"`, "control_character v"},
		{"decimal(9,2)", "01", "invalid_number v"},
		{"decimal(9,2)", "true", "wrong_type v"},
		{"decimal(9,2)", "[1]", "wrong_type v"},
		{"decimal(9,2)", "null", "null"},
	} {
		typed(t, fmt.Sprintf("%q", c.typ))(t, c.value, c.want)
	}
}

func TestBooleans(t *testing.T) {
	check := typed(t, "boolean")
	for _, c := range []struct{ value, want string }{
		{"true", "true"},
		{"false", "false"},
		{"null", "null"},
		{"True", "syntax v"},
		{"tru", "syntax v"},
		{"truee", "syntax "},
		{"1", "wrong_type v"},
		{`"true"`, "wrong_type v"},
	} {
		check(t, c.value, c.want)
	}
}
