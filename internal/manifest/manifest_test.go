package manifest

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// Every byte of a manifest counts, and a manifest that was read and written again is the same.
func TestIntact(t *testing.T) {
	m := &Manifest{Tool: Tool{Name: "quern", Version: "1.2.3"}, Inputs: []Input{{Name: "a", Size: 7}}}
	text, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if !Intact(text) {
		t.Fatalf("not intact as written:\n%s", text)
	}
	for i := range text {
		flipped := bytes.Clone(text)
		flipped[i] ^= 1
		if Intact(flipped) {
			t.Fatalf("intact with a bit of byte %d flipped", i)
		}
		if Intact(text[:i]) {
			t.Fatalf("intact when cut to %d bytes", i)
		}
	}
	if Intact(append(bytes.Clone(text), '\n')) {
		t.Fatal("intact with a byte more")
	}

	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, Name), text, 0o600); err != nil {
		t.Fatal(err)
	}
	back, err := Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := back.Encode(); err != nil || !bytes.Equal(again, text) {
		t.Fatalf("written again it is another, %v:\n%s", err, again)
	}
}
