package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"
)

// What we use of CycloneDX 1.6. It is written here and not by cyclonedx-gomod: that brings a git, a language model for
// licences and some 50 modules, and its lists carry the time and a random number.
type (
	bom struct {
		Schema       string       `json:"$schema"`
		Format       string       `json:"bomFormat"`
		SpecVersion  string       `json:"specVersion"`
		Version      int          `json:"version"`
		Metadata     metadata     `json:"metadata"`
		Components   []component  `json:"components"`
		Dependencies []dependency `json:"dependencies"`
	}
	metadata struct {
		Timestamp string    `json:"timestamp"`
		Component component `json:"component"`
	}
	component struct {
		Type     string    `json:"type"`
		Ref      string    `json:"bom-ref"`
		Name     string    `json:"name"`
		Version  string    `json:"version"`
		Hashes   []hash    `json:"hashes,omitempty"`
		Licences []licence `json:"licenses"`
		PURL     string    `json:"purl"`
	}
	hash struct {
		Algorithm string `json:"alg"`
		Content   string `json:"content"`
	}
	licence struct {
		Licence struct {
			ID string `json:"id"`
		} `json:"license"`
	}
	dependency struct {
		Ref       string   `json:"ref"`
		DependsOn []string `json:"dependsOn,omitempty"`
	}
)

// billOfMaterials says what the binary is made of: only modules with a package in it.
func (s *source) billOfMaterials(modules []*module, binary []byte) ([]byte, error) {
	b := bom{Schema: "http://cyclonedx.org/schema/bom-1.6.schema.json", Format: "CycloneDX", SpecVersion: "1.6", Version: 1}
	b.Metadata.Timestamp = s.time.Format(time.RFC3339)
	refs := map[string]string{}
	for _, m := range modules {
		version := m.version
		if m.path == self {
			version = "v" + s.version
		}
		refs[m.path] = "pkg:golang/" + m.path + "@" + version
	}
	for _, m := range modules {
		c := component{Type: "library", Ref: refs[m.path], Name: m.path, Version: m.version, PURL: refs[m.path]}
		for _, id := range m.licences {
			var l licence
			l.Licence.ID = id
			c.Licences = append(c.Licences, l)
		}
		if m.path == self {
			c.Type, c.Version = "application", s.version
			c.Hashes = []hash{{"SHA-256", fmt.Sprintf("%x", sha256.Sum256(binary))}}
			b.Metadata.Component = c
		} else {
			b.Components = append(b.Components, c)
		}
		d := dependency{Ref: refs[m.path]}
		for _, to := range slices.Sorted(maps.Keys(m.imports)) {
			d.DependsOn = append(d.DependsOn, refs[to])
		}
		b.Dependencies = append(b.Dependencies, d)
	}
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(b); err != nil {
		return nil, err
	}
	return text.Bytes(), nil
}
