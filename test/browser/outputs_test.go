package browser

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// outputs are folders that quern wrote: of usual records, of what is monstrous in every way, and of nothing.
var outputs = map[string]string{}

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "quern-browser-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	for name, do := range map[string]func(dir string) error{"usual": usual, "monstrous": monstrous, "nothing": nothing} {
		outputs[name] = filepath.Join(dir, name, "out")
		if err := os.Mkdir(filepath.Dir(outputs[name]), 0o755); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		if err := do(filepath.Dir(outputs[name])); err != nil {
			fmt.Fprintln(os.Stderr, name, err)
			return 1
		}
	}
	return m.Run()
}

// quern runs the built program in dir.
func quern(dir string, args ...string) error {
	key, err := filepath.Abs("../../examples/keyset.json")
	if err != nil {
		return err
	}
	c := exec.Command(os.Getenv("QUERN"), args...)
	c.Dir, c.Env = dir, append(os.Environ(), "QUERN_KEYSET="+key)
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("quern %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return nil
}

// write writes the lines that line gives until it gives none.
func write(file string, n int, line func(i int) string) error {
	var b strings.Builder
	for i := range n {
		b.WriteString(line(i))
		b.WriteByte('\n')
	}
	return os.WriteFile(file, []byte(b.String()), 0o644)
}

func object(v map[string]any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func usual(dir string) error {
	r := rand.New(rand.NewPCG(1, 2))
	countries := []string{"China", "Indonesia", "Brazil", "France", "Perú", "Poland", "Sweden", "Japan", "Kenya", "Chile", "Cuba", "Iran", "Yemen"}
	err := write(filepath.Join(dir, "data.ndjson"), 2000, func(i int) string {
		if i%100 == 7 {
			return []string{`{"id":`, `[1]`, `{"id":"a","created_at":"yesterday"}`}[i/100%3]
		}
		widgets := []any{}
		for range r.IntN(5) {
			widgets = append(widgets, map[string]any{"name": "w", "amount": r.IntN(1000)})
		}
		v := map[string]any{"id": fmt.Sprint("id", i%1900), "email": fmt.Sprintf("u%d@example.org", r.IntN(300)*r.IntN(2)), "age_group": r.IntN(6),
			"user_score": r.Float64(), "revenue": float64(r.IntN(100000)) / 100, "widget_list": widgets,
			"location": countries[min(r.IntN(13), r.IntN(13))], "created_at": fmt.Sprintf("2020-%02d-%02dT10:00:00Z", i%1900%12+1, i%1900%28+1)}
		if r.IntN(9) == 0 {
			delete(v, "revenue")
		}
		return object(v)
	})
	if err != nil {
		return err
	}
	recipe, err := os.ReadFile("../../internal/core/recipe/default.yaml")
	if err != nil {
		return err
	}
	recipe = append(recipe, "\nprivacy: {quasi_identifiers: [age_group, location]}\n"...)
	if err := os.WriteFile(filepath.Join(dir, "recipe.yaml"), recipe, 0o644); err != nil {
		return err
	}
	return quern(dir, "run", "-r", "recipe.yaml", "-o", "out", "--max-rejects", "5%", "data.ndjson")
}

// evil are names that end elements, attributes and scripts, are written from right to left, and are too long.
var evil = []string{`</script><script>planted()</script>`, `<img src=x onerror=planted()>`, `"'><svg onload=planted()>`, `</title></style>`,
	"שם המשתמש", strings.Repeat("名前", 60), "emoji 🦊", strings.Repeat("a", 250), "{{.Recipe}}", "\u202eoverride", "javascript:planted()"}

func monstrous(dir string) error {
	r := rand.New(rand.NewPCG(3, 4))
	types := []string{"int32", "double", "string", "timestamp", "date", "decimal(12,2)", "boolean"}
	var y strings.Builder
	y.WriteString("version: 1\nfields:\n  id: {type: string, required: true}\n  group: string\n  score: double\n  when: timestamp\n" +
		"  mail: {type: string, pseudonymise: true}\n  tags: {type: list, items: string}\n")
	for _, name := range evil {
		fmt.Fprintf(&y, "  %s: string\n", quote(strings.ReplaceAll(name, ".", `\.`)))
	}
	for i := range 190 {
		fmt.Fprintf(&y, "  column_%03d: {type: %q}\n", i, types[i%len(types)])
	}
	y.WriteString("dedupe: {key: [id]}\nranks:\n  - {name: by_group, of: score, within: [group]}\n" +
		"  - {name: by_when, of: when, within: [group], order: ascending}\n  - {name: whole, of: score}\nindexes:\n" +
		"  - {table: group_index, key: group, values: id}\n  - {table: mail_index, key: mail, values: id}\n" +
		"  - {table: long_index, key: column_002, values: id}\ntable: {name: everything}\nprivacy: {quasi_identifiers: [group, when]}\n" +
		"# <script>planted()</script>\n")
	if err := os.WriteFile(filepath.Join(dir, "<b>recipe.yaml"), []byte(y.String()), 0o644); err != nil {
		return err
	}
	err := write(filepath.Join(dir, "<script>planted()<.ndjson"), 5000, func(i int) string {
		if i%60 == 7 {
			return `{"id":<script>planted()</script>`
		}
		tags := []string{}
		for range int(r.ExpFloat64() * 5) {
			tags = append(tags, "t")
		}
		v := map[string]any{"id": fmt.Sprint(i % 4900), "group": evil[r.IntN(5)] + fmt.Sprint(" ", r.IntN(450)), "score": r.NormFloat64() * 100,
			"when": fmt.Sprintf("20%02d-0%d-1%dT10:00:00Z", 10+r.IntN(15), 1+r.IntN(9), r.IntN(10)), "mail": fmt.Sprint(r.IntN(4000)*r.IntN(2), "@example.org"),
			"tags": tags, "column_000": i, "column_002": strings.Repeat("x", i%300) + fmt.Sprint(i%1200)}
		for _, name := range evil {
			v[name] = "<script>planted()</script>"
		}
		return object(v)
	})
	if err != nil {
		return err
	}
	return quern(dir, "run", "-r", "<b>recipe.yaml", "-o", "out", "--max-rejects", "5%", "<script>planted()<.ndjson")
}

// quote writes s as YAML.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

func nothing(dir string) error {
	if err := os.WriteFile(filepath.Join(dir, "none.ndjson"), nil, 0o644); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "recipe.yaml"), []byte("version: 1\nfields: {a: string}\ntable: {name: t}\n"), 0o644); err != nil {
		return err
	}
	return quern(dir, "run", "-r", "recipe.yaml", "-o", "out", "none.ndjson")
}
