package main

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestClassify(t *testing.T) {
	const (
		mit  = "Permission is hereby granted, free of charge, to any person\nobtaining a copy of this software"
		bsd2 = "Redistributions in binary form must reproduce the above copyright notice"
		bsd3 = bsd2 + "\nNeither the name may be used to endorse or promote products derived from it"
		mpl  = "Mozilla Public License, version 2.0\n 1.12 means the GNU General Public License"
	)
	for _, c := range []struct {
		name, file, text string
		want             string // licences, or a word of the error
	}{
		{"mit", "LICENSE", mit, "MIT"},
		{"two clauses", "LICENSE", bsd2, "BSD-2-Clause"},
		{"three clauses", "LICENSE.txt", bsd3, "BSD-3-Clause"},
		{"apache", "LICENSE", "                Apache License\n        Version 2.0, January 2004\n", "Apache-2.0"},
		{"mpl", "LICENSE", mpl, "MPL-2.0"},
		{"two in one", "LICENSE", bsd3 + mit, "BSD-3-Clause MIT"},
		{"gpl", "COPYING", "GNU GENERAL PUBLIC\nLICENSE", "gnu general public license"},
		{"agpl beside mit", "LICENSE", mit + "GNU Affero General Public License", "gnu affero"},
		{"business", "LICENSE", "Business Source License 1.1", "business source"},
		{"not known", "LICENSE", "do as you like", "not known"},
		{"a notice alone", "NOTICE", "This product includes", "no licence"},
		{"nothing", "", "", "no licence"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := &module{path: "example.com/m", version: "v1.0.0"}
			if c.file != "" {
				m.texts = []licenceText{{c.file, []byte(c.text)}}
			}
			got := ""
			if err := m.classify(); err != nil {
				got = err.Error()
				if !strings.Contains(got, c.want) {
					t.Errorf("%q, want an error with %q", got, c.want)
				}
				return
			}
			if got = strings.Join(m.licences, " "); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

func TestLicenceFiles(t *testing.T) {
	for name, want := range map[string]bool{"LICENSE": true, "LICENSE.txt": true, "LICENCE-MIT": true, "COPYING": true, "NOTICE.md": true,
		"PATENTS": true, "UNLICENSE": true, "licenses": false, "license_test": false, "README": false} {
		if licenceFile.MatchString(name) != want {
			t.Errorf("%s: %t", name, !want)
		}
	}
}

// TestArchives: the same files give the same bytes, whatever the order of the map.
func TestArchives(t *testing.T) {
	files := map[string][]byte{}
	for _, name := range strings.Fields("quern LICENSE completions/a completions/b man/quern.1") {
		files[name] = bytes.Repeat([]byte(name), 1000)
	}
	at := time.Unix(1_600_000_001, 0)
	for name, pack := range map[string]func(string, map[string][]byte, string, time.Time) ([]byte, error){"tar": tarred, "zip": zipped} {
		var all [][]byte
		for range 10 {
			b, err := pack("quern-1.0.0", files, "quern", at)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, b)
		}
		if all = slices.CompactFunc(all, bytes.Equal); len(all) != 1 {
			t.Errorf("%s: %d different archives", name, len(all))
		}
	}
}
