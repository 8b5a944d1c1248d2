package decode_test

import (
	"fmt"
	"strconv"
	"testing"
	"time"
)

// micros is the text of a time, given in RFC 3339, as a column has it.
func micros(s string) string {
	at, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		panic(err)
	}
	return strconv.FormatInt(at.UnixMicro(), 10)
}

func TestTimestamps(t *testing.T) {
	check := typed(t, "timestamp")
	const noon = "2020-01-31T12:00:00Z"
	for _, c := range []struct{ value, want string }{
		{"2020-01-31T14:50:26Z", micros("2020-01-31T14:50:26Z")},
		{"2020-01-31t14:50:26z", micros("2020-01-31T14:50:26Z")},
		{`2020-01-31T14:50:26\u005a`, micros("2020-01-31T14:50:26Z")},
		{"2020-01-31T14:00:00+02:00", micros(noon)},
		{"2020-01-31T06:30:00-05:30", micros(noon)},
		{"2020-02-01T11:59:00+23:59", micros(noon)},
		{"2020-01-31T12:00:00-00:00", micros(noon)},
		{"2020-01-31T12:00:00+00:00", micros(noon)},
		{"2020-01-31T12:00:00.5Z", micros("2020-01-31T12:00:00.5Z")},
		{"2020-01-31T12:00:00.123456Z", micros("2020-01-31T12:00:00.123456Z")},
		{"2020-01-31T12:00:00.1234560Z", micros("2020-01-31T12:00:00.123456Z")},
		{"2020-01-31T12:00:00.123456000000000000+00:00", micros("2020-01-31T12:00:00.123456Z")},
		{"2020-01-31T12:00:00.000000Z", micros(noon)},
		{"1969-12-31T23:59:59.999999Z", "-1"},
		{"1970-01-01T00:00:00Z", "0"},
		{"2000-02-29T00:00:00Z", micros("2000-02-29T00:00:00Z")},
		{"0000-01-01T00:00:00Z", micros("0000-01-01T00:00:00Z")},
		{"9999-12-31T23:59:59.999999Z", micros("9999-12-31T23:59:59.999999Z")},
		{"0000-01-01T00:00:00+00:01", "out_of_range v"},
		{"0000-01-01T00:00:00-00:01", micros("0000-01-01T00:01:00Z")},
		{"9999-12-31T23:59:59-00:01", "out_of_range v"},
		{"9999-12-31T23:59:59+00:01", micros("9999-12-31T23:58:59Z")},
		{"2020-01-31T12:00:00.1234567Z", "too_precise v"},
		{"2020-01-31T12:00:00.0000000001Z", "too_precise v"},
		{"2020-01-31T12:00:60Z", "invalid_timestamp v"},
		{"2016-12-31T23:59:60Z", "invalid_timestamp v"},
		{"2020-01-31T12:00:61Z", "invalid_timestamp v"},
		{"2020-01-31T12:60:00Z", "invalid_timestamp v"},
		{"2020-01-31T24:00:00Z", "invalid_timestamp v"},
		{"2020-02-30T12:00:00Z", "invalid_timestamp v"},
		{"2019-02-29T12:00:00Z", "invalid_timestamp v"},
		{"1900-02-29T12:00:00Z", "invalid_timestamp v"},
		{"2020-00-01T12:00:00Z", "invalid_timestamp v"},
		{"2020-13-01T12:00:00Z", "invalid_timestamp v"},
		{"2020-01-00T12:00:00Z", "invalid_timestamp v"},
		{"2020-04-31T12:00:00Z", "invalid_timestamp v"},
		{"2020-01-31T12:00:00+25:00", "invalid_timestamp v"},
		{"2020-01-31T12:00:00+24:00", "invalid_timestamp v"},
		{"2020-01-31T12:00:00+00:60", "invalid_timestamp v"},
		{"2020-01-31T12:00:00+0000", "invalid_timestamp v"},
		{"2020-01-31T12:00:00+00", "invalid_timestamp v"},
		{"2020-01-31T12:00:00+00:0", "invalid_timestamp v"},
		{"2020-01-31T12:00:00+00:00x", "invalid_timestamp v"},
		{"2020-01-31T12:00:00ZZ", "invalid_timestamp v"},
		{"2020-01-31T12:00:00", "invalid_timestamp v"},
		{"2020-01-31 12:00:00Z", "invalid_timestamp v"},
		{"2020-01-31T12:00:00 Z", "invalid_timestamp v"},
		{" 2020-01-31T12:00:00Z", "invalid_timestamp v"},
		{"2020-01-31T12:00:00.Z", "invalid_timestamp v"},
		{"2020-01-31T12:00:00,5Z", "invalid_timestamp v"},
		{"2020-01-31T12:00:00.5", "invalid_timestamp v"},
		{"2020-01-31T12:00Z", "invalid_timestamp v"},
		{"2020-1-31T12:00:00Z", "invalid_timestamp v"},
		{"20-01-31T12:00:00Z000", "invalid_timestamp v"},
		{"2020/01/31T12:00:00Z", "invalid_timestamp v"},
		{"2020-01-31T12.00.00Z", "invalid_timestamp v"},
		{"20200131T120000Z", "invalid_timestamp v"},
		{"-020-01-31T12:00:00Z", "invalid_timestamp v"},
		{"+020-01-31T12:00:00Z", "invalid_timestamp v"},
		{"2020-01-31T1 :00:00Z", "invalid_timestamp v"},
		{"2020-01-31T12:00:0:Z", "invalid_timestamp v"},
		{"2020-01-31T12:00:00é", "invalid_timestamp v"},
		{"10000-01-01T00:00:00Z", "invalid_timestamp v"},
		{"", "invalid_timestamp v"},
		{secret, "invalid_timestamp v"},
	} {
		check(t, `"`+c.value+`"`, c.want)
	}
	check(t, "1580479200", "wrong_type v")
	check(t, "null", "null")
}

func TestTimestampFormats(t *testing.T) {
	const twitter = "Mon Jan 02 15:04:05 -0700 2006"
	for _, c := range []struct{ format, value, want string }{
		{"epoch_seconds", "0", "0"},
		{"epoch_seconds", "-1", "-1000000"},
		{"epoch_seconds", "1580482226.123456", "1580482226123456"},
		{"epoch_seconds", "-0.000001", "-1"},
		{"epoch_seconds", "1.580482226e9", "1580482226000000"},
		{"epoch_seconds", "1.1234560", "1123456"},
		{"epoch_seconds", "1.1234567", "too_precise v"},
		{"epoch_seconds", "253402300799", micros("9999-12-31T23:59:59Z")},
		{"epoch_seconds", "253402300800", "out_of_range v"},
		{"epoch_seconds", "-62167219200", micros("0000-01-01T00:00:00Z")},
		{"epoch_seconds", "-62167219201", "out_of_range v"},
		{"epoch_seconds", "1580482226123", "out_of_range v"}, // milliseconds
		{"epoch_seconds", "9223372036854775807", "out_of_range v"},
		{"epoch_seconds", "18446744073709551616", "out_of_range v"},
		{"epoch_seconds", "1e400", "out_of_range v"},
		{"epoch_seconds", "1e-400", "too_precise v"},
		{"epoch_seconds", `"0"`, "wrong_type v"},
		{"epoch_seconds", "01", "invalid_number v"},
		{"epoch_milliseconds", "1580482226123", "1580482226123000"},
		{"epoch_milliseconds", "1580482226123.456", "1580482226123456"},
		{"epoch_milliseconds", "-1", "-1000"},
		{"epoch_milliseconds", "0.0001", "too_precise v"},
		{"epoch_milliseconds", "9223372036854775", "out_of_range v"},
		{"epoch_microseconds", "1580482226123456", "1580482226123456"},
		{"epoch_microseconds", "-1.0", "-1"},
		{"epoch_microseconds", "0.5", "too_precise v"},
		{"epoch_microseconds", "9223372036854775807", "out_of_range v"},
		{"epoch_microseconds", "-9223372036854775808", "out_of_range v"},
		{twitter, `"Fri Jan 31 14:50:26 +0000 2020"`, micros("2020-01-31T14:50:26Z")},
		{twitter, `"Fri Jan 31 14:50:26 -0130 2020"`, micros("2020-01-31T16:20:26Z")},
		{twitter, `"Fri Jan 31 14:50:26.123456 +0000 2020"`, micros("2020-01-31T14:50:26.123456Z")},
		{twitter, `"Fri Jan 31 14:50:26.1234560000000 +0000 2020"`, micros("2020-01-31T14:50:26.123456Z")},
		{twitter, `"Fri Jan 31 14:50:26.1234567 +0000 2020"`, "too_precise v"},
		{twitter, `"Fri Jan 31 14:50:26.12345600001 +0000 2020"`, "too_precise v"}, // time.Parse drops the 1
		{twitter, `"Fri Jan 31 14:50:26,12345600001 +0000 2020"`, "too_precise v"},
		{twitter, `"Fri Feb 30 14:50:26 +0000 2020"`, "invalid_timestamp v"},
		{twitter, `"Fri Jan 31 14:50:60 +0000 2020"`, "invalid_timestamp v"},
		{twitter, `"Sat Jan 01 00:00:00 +0001 0000"`, "out_of_range v"},
		{twitter, `"Fri Dec 31 23:59:59 -0001 9999"`, "out_of_range v"},
		{twitter, `"2020-01-31T14:50:26Z"`, "invalid_timestamp v"},
		{twitter, `"` + secret + `"`, "invalid_timestamp v"},
		{twitter, `""`, "invalid_timestamp v"},
		{twitter, "0", "wrong_type v"},
		{"2006-01-02 15:04:05", `"2020-01-31 14:50:26"`, micros("2020-01-31T14:50:26Z")},
		{"2006-01-02 15:04:05.000000", `"2020-01-31 14:50:26.123456"`, micros("2020-01-31T14:50:26.123456Z")},
		{"2006-01-02 15:04:05.000000", `"2020-01-31 14:50:26"`, "invalid_timestamp v"},
		{"2006.01.02.150405", `"2020.01.31.145026"`, micros("2020-01-31T14:50:26Z")},
		{"v.20060102150405", `"v.20200131145026"`, micros("2020-01-31T14:50:26Z")},
		{"v.20060102150405", `"v.20200131145026.0000000001"`, "too_precise v"},
	} {
		typed(t, fmt.Sprintf("{type: timestamp, format: %q}", c.format))(t, c.value, c.want)
	}
}

func TestDates(t *testing.T) {
	check := typed(t, "date")
	for _, c := range []struct{ value, want string }{
		{`"1970-01-01"`, "0"},
		{`"1969-12-31"`, "-1"},
		{`"2020-02-29"`, "18321"},
		{`"0000-01-01"`, "-719528"},
		{`"0000-02-29"`, "-719469"},
		{`"9999-12-31"`, "2932896"},
		{`"2019-02-29"`, "invalid_date v"},
		{`"2020-02-30"`, "invalid_date v"},
		{`"2020-00-10"`, "invalid_date v"},
		{`"2020-13-10"`, "invalid_date v"},
		{`"2020-1-1"`, "invalid_date v"},
		{`"2020-01-01 "`, "invalid_date v"},
		{`"2020-01-01T00:00:00Z"`, "invalid_date v"},
		{`"2020/01/01"`, "invalid_date v"},
		{`"10000-01-1"`, "invalid_date v"},
		{`"-200-01-01"`, "invalid_date v"},
		{`""`, "invalid_date v"},
		{`"` + secret + `"`, "invalid_date v"},
		{"18321", "wrong_type v"},
		{"null", "null"},
	} {
		check(t, c.value, c.want)
	}
}

// TestCalendar compares the first and the last day of every month, and the first that there is none of, with package
// time.
func TestCalendar(t *testing.T) {
	check := typed(t, "date")
	years := 10_000
	if testing.Short() {
		years = 500 // the calendar repeats after 400
	}
	for y := range years {
		for m := time.January; m <= time.December; m++ {
			next := time.Date(y, m+1, 1, 0, 0, 0, 0, time.UTC)
			last := next.AddDate(0, 0, -1)
			check(t, fmt.Sprintf(`"%04d-%02d-01"`, y, m), strconv.FormatInt(next.AddDate(0, -1, 0).Unix()/86_400, 10))
			check(t, fmt.Sprintf(`"%04d-%02d-%d"`, y, m, last.Day()), strconv.FormatInt(last.Unix()/86_400, 10))
			check(t, fmt.Sprintf(`"%04d-%02d-%d"`, y, m, last.Day()+1), "invalid_date v")
		}
	}
}
