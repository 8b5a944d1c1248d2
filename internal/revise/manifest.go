package revise

import (
	"bytes"
	"encoding/json"
	"fmt"

	"quern/internal/core/recipe"
)

// rekeyManifest makes the manifest say which key the output is under, and re-encrypts the tokens in it: those of
// groups and their best records, and of index keys.
func (r *revision) rekeyManifest() error {
	m := r.manifest
	rec, err := recipe.Parse(m.Recipe.Name, []byte(m.Recipe.Text))
	if err != nil {
		return fmt.Errorf("the manifest's recipe: %w", err)
	}
	seals := map[string]*recipe.Seal{}
	for i := range rec.Fields {
		seals[rec.Fields[i].Name] = rec.Fields[i].Seal
	}
	for i := range m.Ranks {
		for j := range m.Ranks[i].Best {
			g := &m.Ranks[i].Best[j]
			if g.Key, err = r.rekeyObject(g.Key, seals); err != nil {
				return err
			}
			if g.Top, err = r.rekeyObject(g.Top, seals); err != nil {
				return err
			}
		}
	}
	for i := range m.Indexes {
		for _, x := range rec.Indexes {
			if x.Name != m.Indexes[i].Name || rec.Fields[x.Key].Seal == nil {
				continue
			}
			for j := range m.Indexes[i].Largest {
				k := &m.Indexes[i].Largest[j]
				if k.Key, err = r.rekeyValue(k.Key, rec.Fields[x.Key].Seal); err != nil {
					return err
				}
			}
		}
	}
	m.Key.ID = r.Sealer.PrimaryID()
	return nil
}

// rekeyObject re-encrypts the members of a flat JSON object that are tokens, by the fields' seals.
func (r *revision) rekeyObject(object json.RawMessage, seals map[string]*recipe.Seal) (json.RawMessage, error) {
	d := json.NewDecoder(bytes.NewReader(object))
	if _, err := d.Token(); err != nil {
		return nil, err
	}
	out := []byte{'{'}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, err
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, err
		}
		field, _ := name.(string)
		if s := seals[field]; s != nil {
			if value, err = r.rekeyValue(value, s); err != nil {
				return nil, err
			}
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		quoted, err := json.Marshal(field)
		if err != nil {
			return nil, err
		}
		out = append(append(append(out, quoted...), ':'), value...)
	}
	return append(out, '}'), nil
}

// rekeyValue re-encrypts a JSON value that is a token or null.
func (r *revision) rekeyValue(value json.RawMessage, s *recipe.Seal) (json.RawMessage, error) {
	var token *string
	if err := json.Unmarshal(value, &token); err != nil {
		return nil, fmt.Errorf("the manifest has no token where one must be: %w", err)
	}
	if token == nil {
		return value, nil
	}
	c, err := r.Sealer.Column(s.Context)
	if err != nil {
		return nil, err
	}
	plain, err := c.Open(nil, []byte(*token))
	if err != nil {
		return nil, fmt.Errorf("a token in the manifest: %w", err)
	}
	quoted, err := json.Marshal(string(c.Append(nil, plain)))
	clear(plain)
	return quoted, err
}
