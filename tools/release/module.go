package main

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
)

// A module is a part of the binary: what somebody else made, quern itself, or Go's library.
type module struct {
	path, version string
	licences      []string        // SPDX names, sorted
	texts         []licenceText   // in the order of their files
	imports       map[string]bool // paths of modules
}

type licenceText struct {
	file string
	text []byte
}

const (
	self   = "quern"
	golang = "std"
)

// modulesOf are the modules of the packages, sorted by path, with the licences of the module and of the packages that are in the binary.
func modulesOf(packages []goPackage) ([]*module, error) {
	goroot := goEnv("GOROOT")
	modules, owner, seen := map[string]*module{}, map[string]string{}, map[string]bool{}
	for _, p := range packages {
		path, version, root := golang, strings.TrimPrefix(runtime.Version(), "go"), goroot
		if !p.Standard {
			path, version, root = p.Module.Path, p.Module.Version, p.Module.Dir
		}
		m := modules[path]
		if m == nil {
			m = &module{path: path, version: version, imports: map[string]bool{}}
			modules[path] = m
		}
		owner[p.ImportPath] = path
		dirs := []string{root}
		if !p.Standard { // those between the module and the package may have a licence of their own
			for d := p.Dir; len(d) > len(root); d = filepath.Dir(d) {
				dirs = append(dirs, d)
			}
		}
		for _, dir := range dirs {
			if seen[dir] {
				continue
			}
			seen[dir] = true
			if err := m.read(root, dir); err != nil {
				return nil, err
			}
		}
	}
	for _, p := range packages {
		for _, i := range p.Imports {
			if to, ok := owner[i]; ok && to != owner[p.ImportPath] {
				modules[owner[p.ImportPath]].imports[to] = true
			}
		}
	}
	var all []*module
	for _, path := range slices.Sorted(maps.Keys(modules)) {
		m := modules[path]
		if err := m.classify(); err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	return all, nil
}

var licenceFile = regexp.MustCompile(`(?i)^(un)?(licen[cs]e|copying|notice|patents)([.-].*)?$`)

func (m *module) read(root, dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !e.Type().IsRegular() || !licenceFile.MatchString(e.Name()) || strings.HasSuffix(e.Name(), ".go") {
			continue
		}
		file := filepath.Join(dir, e.Name())
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		m.texts = append(m.texts, licenceText{filepath.ToSlash(name), bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))})
	}
	slices.SortFunc(m.texts, func(a, b licenceText) int { return strings.Compare(a.file, b.file) })
	return nil
}

// phrases tell licences by words that no other has. All of these may be in a binary that is given away: they ask for
// their text to go with it, and MPL-2.0 to say where the source of its files is.
var phrases = []struct{ name, phrase string }{
	{"Apache-2.0", "apache license version 2.0, january 2004"},
	{"Apache-2.0", "licensed under the apache license, version 2.0"},
	{"MPL-2.0", "mozilla public license version 2.0"},
	{"MPL-2.0", "mozilla public license, version 2.0"},
	{"CC0-1.0", "cc0 1.0 universal"},
	{"ISC", "permission to use, copy, modify, and/or distribute this software for any purpose"},
	{"ISC", "permission to use, copy, modify, and distribute this software for any purpose"},
	{"MIT", "permission is hereby granted, free of charge, to any person obtaining a copy"},
	{"BSD-3-Clause", "may be used to endorse or promote products derived from"},
	{"BSD-2-Clause", "redistributions in binary form must reproduce the above copyright"},
}

// forbidden words are those of licences that ask for more than a notice, or are none.
var forbidden = regexp.MustCompile(`gnu (affero |lesser |library )?general public license|server side public license|business source license|commons clause`)

func (m *module) classify() error {
	found := map[string]bool{}
	for _, t := range m.texts {
		words := strings.ToLower(strings.Join(strings.Fields(string(t.text)), " "))
		names := map[string]bool{}
		for _, p := range phrases {
			if strings.Contains(words, p.phrase) && !(p.name == "BSD-2-Clause" && names["BSD-3-Clause"]) {
				names[p.name] = true
			}
		}
		// The MPL names the GNU licences that it goes together with.
		if w := forbidden.FindString(words); w != "" && !names["MPL-2.0"] {
			return fmt.Errorf("%s %s: %s speaks of the %s", m.path, m.version, t.file, w)
		}
		base := strings.ToLower(filepath.Base(t.file))
		if len(names) == 0 && !strings.HasPrefix(base, "notice") && !strings.HasPrefix(base, "patents") {
			return fmt.Errorf("%s %s: what licence %s is, is not known: add its words to tools/release/module.go if it may be in the binary", m.path, m.version, t.file)
		}
		maps.Copy(found, names)
	}
	if len(found) == 0 {
		return fmt.Errorf("%s %s: no licence was found", m.path, m.version)
	}
	m.licences = slices.Sorted(maps.Keys(found))
	return nil
}

// notices is the file THIRD_PARTY: whose work is in the binary, and their licences in full.
func notices(modules []*module) []byte {
	var b bytes.Buffer
	b.WriteString("quern contains the work of others, unchanged. Who made what, under which licence, with its text further down.\n" +
		"The source of each Go module is at its path and version on any Go module proxy (`go mod download PATH@VERSION`).\n\n")
	for _, m := range modules {
		if m.path != self {
			fmt.Fprintf(&b, "%s %s: %s\n", m.title(), m.version, strings.Join(m.licences, ", "))
		}
	}
	// One text is often that of many.
	var order []string
	of := map[string][]string{}
	for _, m := range modules {
		if m.path == self {
			continue
		}
		for _, t := range m.texts {
			key := string(t.text)
			if of[key] == nil {
				order = append(order, key)
			}
			of[key] = append(of[key], m.title()+" "+t.file)
		}
	}
	for _, text := range order {
		b.WriteString("\n" + strings.Repeat("=", 80) + "\n" + strings.Join(of[text], "\n") + "\n" + strings.Repeat("-", 80) + "\n\n")
		b.WriteString(strings.TrimRight(text, "\n") + "\n")
	}
	return b.Bytes()
}

func (m *module) title() string {
	if m.path == golang {
		return "Go"
	}
	return m.path
}
