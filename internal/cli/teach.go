package cli

import (
	"strings"

	"github.com/spf13/cobra"
)

// helpWidth is what every terminal shows.
const helpWidth = 80

// lesson is what help says beside a command's own words: an example where it has none, and what comes next.
type lesson struct{ example, next string }

var lessons = map[string]lesson{
	"quern":               {"  quern run data.json", "try it on the sample of the source tree: quern run examples/sample.ndjson"},
	"quern run":           {"", "quern verify OUT proves what was written; report.html in it is there to look at."},
	"quern reveal":        {"", "plain values are personal data again; quern retokenize moves tokens to a new key."},
	"quern retokenize":    {"", "quern verify OUT proves that nothing else changed."},
	"quern keys":          {"", "quern keys list shows which keys there are."},
	"quern keys create":   {"  quern keys create --keyset team.json", "quern run --keyset team.json data.json"},
	"quern keys list":     {"  quern keys list", "quern keys rotate adds a key and makes it the primary."},
	"quern keys rotate":   {"  quern keys rotate", "quern retokenize OUT puts finished outputs under the new key."},
	"quern keys promote":  {"  quern keys promote 4233871026", "quern retokenize OUT puts finished outputs under that key."},
	"quern keys enable":   {"  quern keys enable 4233871026", "quern reveal opens the tokens of that key again."},
	"quern keys disable":  {"  quern keys disable 4233871026", "quern keys enable ID takes it back."},
	"quern keys rewrap":   {"", "quern keys list --kek URI shows that the keyset still opens."},
	"quern recipe":        {"  quern recipe show > recipe.yaml", "quern recipe infer data.json begins one for other records."},
	"quern recipe infer":  {"", "confirm what is marked so; then quern run --dry-run -r recipe.yaml data.json"},
	"quern recipe show":   {"  quern recipe show > recipe.yaml", "change it; quern recipe check recipe.yaml says whether it is right."},
	"quern recipe check":  {"  quern recipe check recipe.yaml", "quern run --dry-run -r recipe.yaml data.json tries it on data."},
	"quern recipe schema": {"  quern recipe schema > recipe.schema.json", "name the file in your editor's settings for YAML: it completes and checks."},
	"quern schema":        {"", "quern run --json data.json prints what the schema summary describes."},
	"quern lookup":        {"", "quern lookup --json OUT KEY is for programs."},
	"quern verify":        {"", "quern report OUT draws the report of what was verified."},
	"quern spark":         {next: "quern spark export job, and hand the folder to whoever submits."},
	"quern spark export":  {next: "job/submit with the flags of quern run."},
	"quern report":        {"  quern report quern-out", "open quern-out/report.html in a browser."},
	"quern generate":      {"", "quern run records.ndjson"},
	"quern version":       {"  quern version --json", "a table's created_by names the version that wrote it."},
	"quern man":           {"  quern man > quern.1 && man ./quern.1", "put it into a folder of MANPATH: share/man/man1/quern.1"},
}

// teach makes the help of root and of all commands below it fit a terminal, and say what comes next.
func teach(root *cobra.Command) {
	root.SetUsageTemplate(strings.ReplaceAll(root.UsageTemplate(), "FlagUsages |", "FlagUsagesWrapped 80 |"))
	workersOfAnyMachine(root)
	help := root.HelpFunc()
	root.SetHelpFunc(func(c *cobra.Command, args []string) {
		if strings.HasPrefix(c.CommandPath(), "quern completion") {
			help(c, args) // cobra's own words
			return
		}
		c.Long = describeCommand(c)
		if c.Example == "" {
			c.Example = lessons[c.CommandPath()].example
		}
		help(c, args)
	})
}

// workersOfAnyMachine takes the number of this machine's processors out of the help, which is the same everywhere.
func workersOfAnyMachine(c *cobra.Command) {
	if f := c.Flags().Lookup("workers"); f != nil && f.DefValue != "0" {
		f.DefValue = "0" // which is not shown
		f.Usage += " (default: one a processor)"
	}
	for _, sub := range c.Commands() {
		workersOfAnyMachine(sub)
	}
}

// describeCommand is what a command says of itself, and what comes next.
func describeCommand(c *cobra.Command) string {
	text := c.Long
	if text == "" {
		text = c.Short
	}
	if next := lessons[c.CommandPath()].next; next != "" && !strings.Contains(text, "\nNext: ") {
		text += "\n\nNext: " + next
	}
	return fold(text, helpWidth)
}

// fold breaks paragraphs anew at width. Lines that begin with a space stay as they are.
func fold(text string, width int) string {
	var out []string
	line := ""
	flush := func() {
		if line != "" {
			out = append(out, line)
		}
		line = ""
	}
	for l := range strings.SplitSeq(text, "\n") {
		if l == "" || l[0] == ' ' {
			flush()
			out = append(out, l)
			continue
		}
		for word := range strings.FieldsSeq(l) {
			if line != "" && len(line)+1+len(word) > width {
				flush()
			}
			if line != "" {
				line += " "
			}
			line += word
		}
	}
	flush()
	return strings.Join(out, "\n")
}
