package remote

import (
	"testing"
	"time"
)

// TestPin: what one process found another finds by its pin, if it is still the same.
func TestPin(t *testing.T) {
	for _, versions := range []bool{true, false} {
		m := newMemory()
		key := "in/a?b*[c].ndjson"
		set := func(size int) {
			m.set(key, make([]byte, size))
			if !versions { // a store without ETags
				o := m.objects[key]
				o.Version = ""
				m.objects[key] = o
			}
		}
		set(5)
		files, err := m.client().Find(t.Context(), "s3://bucket/in/")
		ok(t, err)
		pin := files[0].Pin()
		f, err := m.client().Reopen(t.Context(), pin)
		ok(t, err)
		if f.String() != "s3://bucket/"+key || f.Size() != 5 {
			t.Errorf("%s, %d bytes", f, f.Size())
		}
		if m.now = m.now.Add(time.Second); versions {
			set(5)
		} else {
			set(6)
		}
		_, err = m.client().Reopen(t.Context(), pin)
		wantError(t, err, ErrChanged, key)
		if set(5); !versions {
			_, err = m.client().Reopen(t.Context(), pin)
			wantError(t, err, ErrChanged, "") // later than it was found
		}
		delete(m.objects, key)
		_, err = m.client().Reopen(t.Context(), pin)
		wantError(t, err, ErrChanged, "")
	}
}
