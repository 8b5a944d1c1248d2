package generate

import (
	"encoding/binary"
	"math"
	"slices"
	"strconv"
	"time"
)

// maxRecord is above the length in bytes of any record.
const maxRecord = 1024

// The shape of the data, as measured on the real records.
const (
	groups     = 4
	maxScore   = 1_000_000_000  // in 10^-9
	coarse     = maxScore / 100 // the step of coarse scores
	coarseIn   = 25             // one score in so many is coarse, for without them 9 digits hardly ever tie
	minRevenue = 100            // cents
	maxRevenue = 99_500         // cents
	minAmount  = 16             // of a widget
	maxAmount  = 99_993         // of a widget
	maxList    = 3              // widgets of a record
	daySeconds = 24 * 60 * 60
)

// listLengths are the chances of 0, 1, 2 and maxList widgets, in thousandths, summed up to each.
var listLengths = [maxList]uint64{237, 237 + 246, 237 + 246 + 242}

// maker makes records. It is immutable, hence safe for concurrent use.
type maker struct {
	records    uint64 // seed of the streams of records
	places     uint64 // and of the deals of countries
	duplicates duplicates

	days      []string // `2019-08-12T`, one for each day of the year
	countries []string // one for each of a thousand slots
	widgets   []string // `{"name":"…","amount":`
	surnames  []string
	domains   []string // `@…`
}

func newMaker(o Options) (*maker, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	if o.Start.IsZero() {
		o.Start = time.Date(2019, time.August, 12, 0, 0, 0, 0, time.UTC)
	}
	seeds := stream(o.Seed)
	return &maker{
		records: seeds.next(),
		places:  seeds.next(),
		duplicates: duplicates{
			seed:       seeds.next(),
			perMillion: uint64(math.Round(o.Duplicates * million)),
		},
		days:      days(o.Start.UTC()),
		countries: countrySlots(),
		widgets:   widgetHeads(),
		surnames:  surnames(),
		domains:   domains(),
	}, nil
}

func days(start time.Time) []string {
	var days []string
	for day := start; day.Before(start.AddDate(1, 0, 0)); day = day.AddDate(0, 0, 1) {
		days = append(days, day.Format("2006-01-02T"))
	}
	return days
}

// appendRecords appends the lines of records first to end-1.
func (m *maker) appendRecords(dst []byte, first, end int64) []byte {
	for i := uint64(first); i < uint64(end); i++ {
		dst = slices.Grow(dst, maxRecord)
		if original, ok := m.duplicates.of(i); ok {
			dst = m.appendRecord(dst, original, "-dup")
		} else {
			dst = m.appendRecord(dst, i, "")
		}
	}
	return dst
}

// appendRecord appends the line of record i, mark being what stands before the @ of its email. The order in which
// it draws random numbers is part of the format: to change it is to change every sample that a seed stands for.
func (m *maker) appendRecord(dst []byte, i uint64, mark string) []byte {
	s := streamAt(m.records, i)

	dst = append(dst, `{"id":"`...)
	dst = appendUUID(dst, s.next(), s.next())
	dst = append(dst, `","email":"`...)
	dst = m.appendEmail(dst, s.next(), i, mark)

	dst = append(dst, `","age_group":`...)
	dst = append(dst, '1'+byte(s.below(groups)))
	dst = append(dst, `,"user_score":`...)
	score := s.below(maxScore + 1)
	if s.below(coarseIn) == 0 && score < maxScore {
		score -= score % coarse
	}
	dst = appendDecimal(dst, score, 9)
	dst = append(dst, `,"revenue":`...)
	dst = appendDecimal(dst, minRevenue+s.below(maxRevenue-minRevenue+1), 2)

	dst = append(dst, `,"widget_list":[`...)
	dst = m.appendWidgets(dst, &s)
	dst = append(dst, `],"location":"`...)
	dst = append(dst, m.country(i)...)

	dst = append(dst, `","created_at":"`...)
	second := s.below(uint64(len(m.days)) * daySeconds)
	dst = append(dst, m.days[second/daySeconds]...)
	dst = appendClock(dst, uint32(second%daySeconds))
	return append(dst, "Z\"}\n"...)
}

func (m *maker) appendWidgets(dst []byte, s *stream) []byte {
	length, r := 0, s.below(1000)
	for length < maxList && r >= listLengths[length] {
		length++
	}
	for n := range length {
		if n > 0 {
			dst = append(dst, ',')
		}
		r := s.next()
		dst = append(dst, m.widgets[scale(uint32(r>>32), len(m.widgets))]...)
		dst = strconv.AppendInt(dst, int64(minAmount+scale(uint32(r), maxAmount-minAmount+1)), 10)
		dst = append(dst, '}')
	}
	return dst
}

// country deals the thousand slots anew for every thousand records, so that even a small sample has the countries
// of which there is one in a thousand.
func (m *maker) country(i uint64) string {
	n := uint64(len(m.countries))
	deal := streamAt(m.places, i/n)
	return m.countries[shuffled(uint32(i%n), uint32(n), deal.next())]
}

// appendEmail appends an initial, a surname and the record's number in base 36, as in asolberg1f@cedar.example.com.
func (m *maker) appendEmail(dst []byte, r, i uint64, mark string) []byte {
	dst = append(dst, 'a'+byte(scale(uint32(r), 26)))
	dst = append(dst, m.surnames[r>>32&0xffff*uint64(len(m.surnames))>>16]...)
	dst = strconv.AppendUint(dst, i, 36)
	dst = append(dst, mark...)
	return append(dst, m.domains[r>>48*uint64(len(m.domains))>>16]...)
}

// appendUUID appends a version 4 UUID (RFC 9562) of 122 of the 128 bits given.
func appendUUID(dst []byte, hi, lo uint64) []byte {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], hi&^0xf000|0x4000)
	binary.BigEndian.PutUint64(b[8:], lo&^(0xc0<<56)|0x80<<56)
	const digits = "0123456789abcdef"
	for k, x := range b {
		if k == 4 || k == 6 || k == 8 || k == 10 {
			dst = append(dst, '-')
		}
		dst = append(dst, digits[x>>4], digits[x&15])
	}
	return dst
}

// appendDecimal appends x / 10^scale in its shortest form with at least one decimal, 0.5 or 801.0. Scale is at
// most 9.
func appendDecimal(dst []byte, x uint64, scale int) []byte {
	unit := uint64(1)
	for range scale {
		unit *= 10
	}
	dst = strconv.AppendUint(dst, x/unit, 10)
	dst = append(dst, '.')
	var digits [9]byte
	rest := uint32(x % unit)
	for k := scale - 1; k >= 0; k-- {
		digits[k] = '0' + byte(rest%10)
		rest /= 10
	}
	for scale > 1 && digits[scale-1] == '0' {
		scale--
	}
	return append(dst, digits[:scale]...)
}

// appendClock appends hh:mm:ss.
func appendClock(dst []byte, second uint32) []byte {
	h, m, s := second/3600, second/60%60, second%60
	return append(dst,
		'0'+byte(h/10), '0'+byte(h%10), ':',
		'0'+byte(m/10), '0'+byte(m%10), ':',
		'0'+byte(s/10), '0'+byte(s%10))
}
