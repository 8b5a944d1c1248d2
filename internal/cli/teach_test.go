package cli

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// eachCommand calls f for root and all commands below it that are quern's own.
func eachCommand(c *cobra.Command, f func(*cobra.Command)) {
	f(c)
	for _, sub := range c.Commands() {
		if sub.Name() != "completion" && sub.Name() != "help" {
			eachCommand(sub, f)
		}
	}
}

func quietRoot() *cobra.Command {
	return newRoot(Streams{In: strings.NewReader(""), Out: io.Discard, Err: io.Discard})
}

// Every command's help fits 80 columns, has an example whose command and flags there are, and says what comes next.
func TestHelpTeaches(t *testing.T) {
	commands := 0
	eachCommand(quietRoot(), func(c *cobra.Command) {
		if c.Hidden {
			return // nobody is to call it
		}
		commands++
		var help bytes.Buffer
		c.SetOut(&help)
		if err := c.Help(); err != nil {
			t.Fatal(err)
		}
		for line := range strings.SplitSeq(help.String(), "\n") {
			if len(line) > helpWidth {
				t.Errorf("%s: %d columns: %s", c.CommandPath(), len(line), line)
			}
		}
		if !strings.Contains(help.String(), "\nNext: ") {
			t.Errorf("%s: its help says not what comes next", c.CommandPath())
		}
		if !strings.Contains(help.String(), "\nExamples:\n") {
			t.Errorf("%s: its help has no example", c.CommandPath())
		}
		for line := range strings.SplitSeq(strings.ReplaceAll(c.Example, "\\\n", " "), "\n") {
			for part := range strings.FieldsFuncSeq(line, func(r rune) bool { return r == '|' || r == '&' || r == '>' }) {
				if args := strings.Fields(part); len(args) > 0 && args[0] == "quern" {
					checkExample(t, args[1:])
				}
			}
		}
	})
	if commands < 15 {
		t.Errorf("only %d commands were looked at", commands)
	}
}

func checkExample(t *testing.T, args []string) {
	c, rest, err := quietRoot().Find(args)
	if err == nil {
		err = c.ParseFlags(rest)
	}
	if err == nil {
		err = c.ValidateArgs(c.Flags().Args())
	}
	if err != nil {
		t.Errorf("quern %s: %v", strings.Join(args, " "), err)
	}
}

// The man page has every command and every flag, and no line that troff would take for its own.
func TestManPage(t *testing.T) {
	var out bytes.Buffer
	if err := writeMan(&out, quietRoot()); err != nil {
		t.Fatal(err)
	}
	page := out.String()
	eachCommand(quietRoot(), func(c *cobra.Command) {
		if c.Hidden || !c.HasParent() {
			return
		}
		if !strings.Contains(page, "\n.SS "+roff(strings.TrimPrefix(c.UseLine(), "quern "))+"\n") {
			t.Errorf("the page has no %s", c.CommandPath())
		}
		c.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if f.Name != "help" && !f.Hidden && !strings.Contains(page, `\fB`+roff("--"+f.Name)+`\fR`) {
				t.Errorf("the page has no --%s of %s", f.Name, c.CommandPath())
			}
		})
	})
	for line := range strings.SplitSeq(page, "\n") {
		if strings.HasPrefix(line, ".") && !strings.HasPrefix(line, ".TH ") && !strings.HasPrefix(line, ".SH ") &&
			!strings.HasPrefix(line, ".SS ") && !strings.HasPrefix(line, ".B ") && !strings.HasPrefix(line, ".I ") &&
			line != ".PP" && line != ".TP" && line != ".nf" && line != ".fi" {
			t.Errorf("troff does not know %q", line)
		}
	}
}

func TestRoff(t *testing.T) {
	for text, want := range map[string]string{
		".b": `\&.b`, "'": `\&'`, `a\n`: `a\en`, "--json": `\-\-json`, "a\n.b": "a\n\\&.b",
	} {
		if got := roff(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestFold(t *testing.T) {
	for text, want := range map[string]string{
		"a b c":               "a b\nc",
		"a\nb c\n\nd":         "a b\nc\n\nd",
		"a\n  x y z\nb":       "a\n  x y z\nb",
		"abcdef":              "abcdef",
		"abcdef g":            "abcdef\ng",
		"a\n\n\nb":            "a\n\n\nb",
		"see\n  url\nand  so": "see\n  url\nand\nso",
	} {
		if got := fold(text, 4); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
