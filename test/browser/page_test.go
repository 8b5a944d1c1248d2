package browser

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// each runs a test on the report of each output.
func each(t *testing.T, test func(t *testing.T, output string)) {
	for _, output := range []string{"usual", "monstrous", "nothing"} {
		t.Run(output, func(t *testing.T) { test(t, output) })
	}
}

// The page says nothing on the console, asks for nothing, and runs nothing that came from data: see visit's clean-up.
func TestQuiet(t *testing.T) {
	each(t, func(t *testing.T, output string) {
		b := open(t, output, desk())
		if n := eval[int](b, `document.scripts.length`); n != 1 {
			t.Errorf("%d scripts", n)
		}
		if s := eval[string](b, `String(typeof planted)`); s != "undefined" {
			t.Error("planted is", s)
		}
		if n := eval[int](b, `document.querySelectorAll('img, [onload], [onerror], iframe, object, embed, link:not([href="data:,"])').length`); n != 0 {
			t.Errorf("%d elements that load", n)
		}
	})
}

// A planted script does not run even if a page had it: the policy says which scripts may.
func TestPolicy(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(outputs["usual"], "report.html"))
	if err != nil {
		t.Fatal(err)
	}
	planted := filepath.Join(t.TempDir(), "planted.html")
	text = bytes.Replace(text, []byte("</main>"), []byte(`<script>document.title = 'ran'</script><img src="http://127.0.0.1:9/x.png"></main>`), 1)
	if err := os.WriteFile(planted, text, 0o644); err != nil {
		t.Fatal(err)
	}
	b := visit(t, "file://"+planted)
	if title := eval[string](b, `document.title`); title == "ran" {
		t.Error("a planted script ran")
	}
	b.mu.Lock()
	said := strings.Join(b.said, "\n")
	b.said = nil
	b.mu.Unlock()
	for _, want := range []string{"policy: script-src-elem inline", "policy: img-src"} {
		if !strings.Contains(said, want) {
			t.Errorf("the test cannot hear %q:\n%s", want, said)
		}
	}
	b.mu.Lock()
	for i, u := range b.asked { // the browser tells of what it blocks, too
		if strings.HasPrefix(u, "http://127.0.0.1:9/") {
			b.asked[i] = "data:,"
		}
	}
	b.mu.Unlock()
}

// Served over HTTP it asks for nothing but itself.
func TestServed(t *testing.T) {
	url, paths := serve(t, "usual")
	b := visit(t, url+"/report.html", desk())
	b.do(chromedp.Sleep(200 * time.Millisecond)) // a favicon would be asked for late
	if have := paths(); have != "[/report.html]" {
		t.Error("asked for", have)
	}
}

// violation is a rule of axe that is broken.
type violation struct {
	What  string `json:"what"`
	N     int    `json:"n"`
	First string `json:"first"`
}

// Landmarks and headings, contrast, names of things: what axe knows of WCAG 2.2 AA, light and dark, wide and narrow.
func TestAccessible(t *testing.T) {
	axe, err := os.ReadFile("node_modules/axe-core/axe.min.js")
	if err != nil {
		t.Fatal(err)
	}
	each(t, func(t *testing.T, output string) {
		for _, c := range []struct {
			name  string
			media action
			size  action
		}{{"light", light(), desk()}, {"dark", dark(), desk()}, {"phone", light(), phone()}} {
			b := open(t, output, c.media, c.size)
			js(b, `document.querySelectorAll('details').forEach(d => d.open = true)`)
			js(b, string(axe))
			// What is below the fold of a long table is like what is above: rows beyond the 30th are left out for time.
			js(b, `document.querySelectorAll('tbody').forEach(t => [...t.rows].slice(30).forEach(r => r.remove()))`)
			found := eval[[]violation](b, `axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
				resultTypes: ['violations']}).then(r => r.violations.map(v => ({what: v.id + ': ' + v.help, n: v.nodes.length,
				first: v.nodes[0].html + '\n' + v.nodes[0].failureSummary})))`, chromedp.EvalAwaitPromise)
			for _, v := range found {
				t.Errorf("%s: %s, %d times\n%s", c.name, v.What, v.N, v.First)
			}
		}
	})
}

// Nothing but tables in their own frames scrolls sideways on a phone.
func TestPhone(t *testing.T) {
	each(t, func(t *testing.T, output string) {
		b := open(t, output, light(), phone())
		b.shoot(output + "-phone")
		js(b, `document.querySelectorAll('details').forEach(d => d.open = true)`)
		if w := eval[int](b, `document.documentElement.scrollWidth`); w > 360 {
			wide := eval[string](b, `[...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > 361 && !e.parentElement.closest('.scroll, pre')).map(e => e.outerHTML.slice(0, 100)).join('\n')`)
			t.Errorf("the page is %d wide:\n%s", w, wide)
		}
		if s := eval[string](b, `getComputedStyle(document.querySelector('.flow.wide')).display + getComputedStyle(document.querySelector('.flow.narrow')).display`); s != "noneblock" {
			t.Error("the picture is", s)
		}
	})
}

func TestPrint(t *testing.T) {
	each(t, func(t *testing.T, output string) {
		b := open(t, output, dark(), screen(720, 1000, 1, false))
		pdf, err := chromedp.Run(b.ctx, chromedp.PrintToPDF())
		if err != nil {
			t.Fatal(err)
		}
		keep(t, output+".pdf", pdf)
		if !bytes.HasPrefix(pdf, []byte("%PDF-")) || len(pdf) < 10_000 {
			t.Errorf("a PDF of %d bytes", len(pdf))
		}
		b.do(media("print", "dark"))
		if output != "monstrous" { // too long for a picture
			b.shoot(output + "-print")
		}
		if ink := eval[string](b, `getComputedStyle(document.body).color + ' on ' + getComputedStyle(document.body).backgroundColor`); ink != "rgb(0, 0, 0) on rgb(255, 255, 255)" {
			t.Error("printed in", ink)
		}
		if eval[bool](b, `[...document.querySelectorAll('.scroll')].some(e => e.scrollHeight > e.clientHeight + 2 && e.checkVisibility())`) {
			t.Error("a table is cut off on paper")
		}
		js(b, `dispatchEvent(new Event('beforeprint'))`)
		if n := eval[int](b, `document.querySelectorAll('details:not([open], .numbers)').length`); n != 0 {
			t.Errorf("%d parts are closed on paper", n)
		}
		js(b, `dispatchEvent(new Event('afterprint'))`)
		if n := eval[int](b, `document.querySelectorAll('details[open]').length`); n != 0 {
			t.Errorf("%d parts stay open after printing", n)
		}
	})
}

func TestTheme(t *testing.T) {
	const paper = `getComputedStyle(document.body).backgroundColor`
	const white, black = "rgb(255, 255, 255)", "rgb(18, 22, 27)"
	for output := range outputs {
		if os.Getenv("SHOTS") != "" {
			open(t, output, light(), desk()).shoot(output + "-light")
			open(t, output, dark(), desk()).shoot(output + "-dark")
		}
	}
	b := open(t, "usual", dark(), desk())
	if have := eval[string](b, paper); have != black {
		t.Error("the system is dark, the page", have)
	}
	b.do(chromedp.Click(chromedp.CSS("#theme")))
	if have := eval[string](b, paper) + eval[string](b, `document.getElementById('theme').textContent`); have != white+"Dark" {
		t.Error("after a click:", have)
	}
	b.do(chromedp.Reload(), chromedp.WaitVisible(chromedp.CSS("#theme")))
	if have := eval[string](b, paper); have != white {
		t.Error("the choice was lost:", have)
	}
	b.do(chromedp.Focus(chromedp.CSS("#theme")), chromedp.KeyEvent(kb.Enter))
	if have := eval[string](b, paper); have != black {
		t.Error("after Enter:", have)
	}
	js(b, `localStorage.clear()`)

	// Where a page may keep nothing the button works all the same.
	b = open(t, "usual", light(), desk(), early(`Object.defineProperty(window, 'localStorage', {get() { throw new DOMException('no', 'SecurityError') }})`))
	b.do(chromedp.Click(chromedp.CSS("#theme")))
	if have := eval[string](b, paper); have != black {
		t.Error("without storage:", have)
	}
}

// All is there without scripts, but for what needs them.
func TestWithoutScripts(t *testing.T) {
	b := open(t, "usual", desk(), scripts(false))
	text, err := chromedp.Run(b.ctx, chromedp.Text(chromedp.CSS("body")))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"2,000 records in", "Does it add up?", "Indonesia", "Median", "Privacy"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not there", want)
		}
	}
	b.do(scripts(true))
	if visible := eval[[]string](b, `[...document.querySelectorAll('button, input')].filter(e => e.checkVisibility()).map(e => e.outerHTML)`); len(visible) > 0 {
		t.Errorf("these do nothing without scripts: %q", visible)
	}
}

// column is a table's visible texts in a column.
func column(b *tab, table string, n int) []string {
	b.Helper()
	return eval[[]string](b, `[...document.querySelector('`+table+`').tBodies[0].rows].filter(r => !r.hidden).map(r => r.cells[`+string(rune('0'+n))+`].querySelector('bdi')?.textContent ?? r.cells[`+string(rune('0'+n))+`].textContent)`)
}

func head(table string, n int) string {
	return table + ` thead th:nth-child(` + string(rune('1'+n)) + `) button`
}

func TestSortAndFind(t *testing.T) {
	b := open(t, "usual", desk())
	const table = "#index-1-table"
	m := manifest(t, "usual")
	keys := m.Indexes[0].Largest
	sorted := func(what string, first string, aria string, col int) {
		t.Helper()
		if have := column(b, table, 0)[0]; have != first {
			t.Errorf("%s: %s is first, want %s", what, have, first)
		}
		if have := eval[string](b, `document.querySelector('`+table+`').tHead.rows[0].cells[`+string(rune('0'+col))+`].getAttribute('aria-sort')`); have != aria {
			t.Errorf("%s: aria-sort is %s, want %s", what, have, aria)
		}
	}
	sorted("as drawn", keys[0].Key, "descending", 1)
	b.do(chromedp.Click(chromedp.CSS(head(table, 0))))
	sorted("by key", "Brazil", "ascending", 0)
	if n := eval[int](b, `document.querySelectorAll('`+table+` [aria-sort]').length`); n != 1 {
		t.Errorf("%d columns say that they are sorted", n)
	}
	if said := eval[string](b, `document.getElementById('said').textContent`); said != "sorted by Key, ascending" {
		t.Errorf("said %q", said)
	}
	b.do(chromedp.Click(chromedp.CSS(head(table, 0))))
	sorted("by key again", "Yemen", "descending", 0)
	b.do(chromedp.Focus(chromedp.CSS(head(table, 1))), chromedp.KeyEvent(kb.Enter))
	sorted("by entries, with the keyboard", keys[0].Key, "descending", 1)
	b.do(chromedp.KeyEvent(" "))
	sorted("by entries again", keys[len(keys)-1].Key, "ascending", 1)

	find := table + "-find"
	b.do(chromedp.SendKeys(chromedp.CSS(find), "PER"))
	if have := strings.Join(column(b, table, 0), " "); have != "Perú" {
		t.Errorf("found %s", have)
	}
	b.do(chromedp.SendKeys(chromedp.CSS(find), kb.Backspace+kb.Backspace+kb.Backspace))
	if have := len(column(b, table, 0)); have != len(keys) {
		t.Errorf("%d keys without a search, want %d", have, len(keys))
	}

	// Numbers are sorted as numbers, and with their sign.
	b = open(t, "monstrous", desk())
	b.do(chromedp.Click(chromedp.CSS(head("#rank-1-table", 3))))
	var low float64
	for i, text := range eval[[]float64](b, `[...document.querySelector('#rank-1-table').tBodies[0].rows].map(r => Number(r.cells[3].dataset.v))`) {
		if i > 0 && text > low {
			t.Fatalf("median %g behind %g", text, low)
		}
		low = text
	}
}

// The page can be walked with the keyboard alone, and where one is can be seen.
func TestKeyboard(t *testing.T) {
	b := open(t, "usual", desk())
	b.do(chromedp.KeyEvent(kb.Tab))
	if s := eval[string](b, `document.activeElement.className + ' ' + (document.activeElement.getBoundingClientRect().left >= 0)`); s != "skip true" {
		t.Error("first is", s)
	}
	seen := map[string]bool{}
	for range 60 {
		b.do(chromedp.KeyEvent(kb.Tab))
		s := eval[string](b, `{ const e = document.activeElement, s = getComputedStyle(e); e.tagName + (e === document.body || s.outlineStyle !== 'none' ? '' : ' without outline') }`)
		seen[s] = true
		if strings.HasSuffix(s, "outline") {
			t.Error(s)
		}
	}
	for _, want := range []string{"A", "BUTTON", "INPUT", "DIV", "SUMMARY"} {
		if !seen[want] {
			t.Errorf("no %s has had the focus: %v", want, seen)
		}
	}
}

type report struct {
	Counts struct{ Read, Rejected, Duplicates, Kept int64 }
	Ranks  []struct {
		Best []struct {
			Records   int64
			Quartiles []float64
		}
	}
	Indexes []struct {
		Keys    int64
		Largest []struct {
			Key     string
			Entries int64
		}
	}
	Lists []struct {
		Lengths []int64 `json:"records_by_length"`
	}
	Times []struct{ Counts []int64 }
}

func manifest(t *testing.T, output string) *report {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(outputs[output], "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	var m report
	if err := json.Unmarshal(text, &m); err != nil {
		t.Fatal(err)
	}
	return &m
}

// near says whether sizes on the screen are in proportion to values. A pixel more or less is none.
func near(t *testing.T, what string, sizes []float64, values []int64) {
	t.Helper()
	if len(sizes) != len(values) {
		t.Errorf("%s: %d drawn, want %d", what, len(sizes), len(values))
		return
	}
	var size, value float64
	for i := range sizes {
		size, value = max(size, sizes[i]), max(value, float64(values[i]))
	}
	if size < 50 {
		t.Errorf("%s: the largest is %g pixels", what, size)
	}
	for i := range sizes {
		if want := float64(values[i]) / value * size; math.Abs(sizes[i]-want) > 1.5 {
			t.Errorf("%s: %d is %g pixels, want %g", what, i, sizes[i], want)
		}
	}
}

// What is drawn has the manifest's values, measured on the screen.
func TestValues(t *testing.T) {
	b := open(t, "usual", desk())
	m := manifest(t, "usual")
	near(t, "the picture", eval[[]float64](b, `[...document.querySelectorAll('.flow.wide .read, .flow.wide .node')].map(e => e.getBoundingClientRect().height)`),
		[]int64{m.Counts.Read, m.Counts.Kept, m.Counts.Duplicates, m.Counts.Rejected})
	near(t, "list lengths", eval[[]float64](b, `[...document.querySelector('#list-1').parentElement.querySelectorAll('.plot rect')].map(e => e.getBoundingClientRect().height)`),
		m.Lists[0].Lengths)
	var entries []int64
	for _, k := range m.Indexes[0].Largest {
		entries = append(entries, k.Entries)
	}
	near(t, "keys", eval[[]float64](b, `[...document.querySelectorAll('#index-1-table .bar rect')].map(e => e.getBoundingClientRect().width)`), entries)
	boxes := eval[[][]float64](b, `[...document.querySelectorAll('#rank-1-table .box')].map(s => { const at = s.getBoundingClientRect(), rel = x => (x - at.left) / at.width;
		const l = s.querySelector('.range').getBoundingClientRect(), r = s.querySelector('rect').getBoundingClientRect(), m = s.querySelector('.mid').getBoundingClientRect();
		return [rel(l.left), rel(r.left), rel((m.left + m.right) / 2), rel(r.right), rel(l.right)] })`)
	if len(boxes) != len(m.Ranks[0].Best) {
		t.Fatalf("%d boxes, want %d", len(boxes), len(m.Ranks[0].Best))
	}
	for i, g := range m.Ranks[0].Best {
		for j, at := range boxes[i] {
			if want := g.Quartiles[4-j]; math.Abs(at-want) > 0.01 { // the scale is 0 to 1
				t.Errorf("group %d: quartile %d is drawn at %.3f, want %.3f", i, j, at, want)
			}
		}
	}
	if len(m.Times) == 0 {
		t.Fatal("no times")
	}
	path := eval[[]float64](b, `document.querySelector('#time-1').parentElement.querySelector('.plot path').getAttribute('d').match(/V[\d.]+h/g).map(s => 150 - parseFloat(s.slice(1)))`)
	near(t, "times", path, m.Times[0].Counts)
	if have := column(b, "#index-1-table", 1); len(have) != len(entries) {
		t.Errorf("%d keys, want %d", len(have), len(entries))
	}
}
