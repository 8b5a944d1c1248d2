package lineage

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
)

// newUUID is a UUIDv7 (RFC 9562): 48 bits of milliseconds, and the rest random.
func newUUID(at time.Time) string {
	var b [16]byte
	rand.Read(b[:])
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(at.UnixMilli()))
	copy(b[:6], ms[2:])
	b[6] = b[6]&0x0f | 7<<4
	b[8] = b[8]&0x3f | 2<<6
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// Parent is the run that started this one, such as a scheduler's.
type Parent struct{ Namespace, Name, RunID string }

// ErrParent is a parent that cannot be understood.
var ErrParent = errors.New("a parent is written NAMESPACE/JOB/RUN-ID, the last a UUID")

// ParseParent reads NAMESPACE/JOB/RUN-ID, as schedulers put it into OPENLINEAGE_PARENT_ID.
func ParseParent(s string) (*Parent, error) {
	namespace, rest, _ := strings.Cut(s, "/")
	i := strings.LastIndexByte(rest, '/')
	if namespace == "" || i < 1 || !uuid().MatchString(rest[i+1:]) {
		return nil, ErrParent
	}
	return &Parent{namespace, rest[:i], rest[i+1:]}, nil
}

// uuid is compiled when it is asked for: start-up is measured in milliseconds.
func uuid() *regexp.Regexp {
	return regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
}

type parent struct {
	facet
	Run run `json:"run"`
	Job job `json:"job"`
}

func (p *Parent) facet() parent {
	return parent{newFacet(schemaParent), run{ID: p.RunID}, job{Namespace: p.Namespace, Name: p.Name}}
}
