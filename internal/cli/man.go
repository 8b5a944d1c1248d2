package cli

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"quern/internal/version"
)

// newMan is for who packages quern: hidden, since others read --help.
func newMan(s Streams) *cobra.Command {
	return &cobra.Command{Use: "man", Short: "print the man page, quern.1", Hidden: true, Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return writeMan(s.Out, cmd.Root()) }}
}

// writeMan writes root and all commands below it as one page for man(7). cobra's own generator would bring a Markdown
// parser into the binary for this.
func writeMan(out io.Writer, root *cobra.Command) error {
	w := bufio.NewWriter(out)
	fmt.Fprintf(w, ".TH QUERN 1 \"\" \"quern %s\" \"User Commands\"\n.SH NAME\nquern \\- %s\n", version.Number, roff(root.Short))
	fmt.Fprint(w, ".SH SYNOPSIS\n.B quern\n.I COMMAND\n[\\fIflags\\fR] [\\fIarguments\\fR]\n.SH DESCRIPTION\n")
	manText(w, root.Long)
	fmt.Fprint(w, ".SH COMMANDS\n")
	manCommands(w, root)
	fmt.Fprint(w, ".SH EXIT STATUS\n.nf\n")
	for l := range strings.SplitSeq(strings.TrimSpace(strings.TrimPrefix(exitHelp, "\nExit codes:\n")), "\n") {
		fmt.Fprintln(w, roff(strings.TrimSpace(l)))
	}
	fmt.Fprint(w, ".fi\n.SH ENVIRONMENT\n")
	for _, v := range [][2]string{{keysetEnv, "the keyset's file, where no --keyset says it"}, {kekEnv, "the KMS key that the keyset is encrypted under, where no --kek says it"},
		{"NO_COLOR", "no colour in the progress line, if it is set to anything"}} {
		fmt.Fprintf(w, ".TP\n.B %s\n%s\n", v[0], roff(v[1]))
	}
	return w.Flush()
}

func manCommands(w io.Writer, c *cobra.Command) {
	for _, sub := range c.Commands() {
		if !sub.IsAvailableCommand() || sub.Name() == "completion" || sub.Name() == "help" {
			continue
		}
		if sub.Runnable() {
			use := strings.TrimPrefix(sub.UseLine(), "quern ")
			fmt.Fprintf(w, ".SS %s\n", roff(use))
			manText(w, describeCommand(sub))
			sub.NonInheritedFlags().VisitAll(func(f *pflag.Flag) { manFlag(w, f) })
			sub.InheritedFlags().VisitAll(func(f *pflag.Flag) { manFlag(w, f) })
			example := sub.Example
			if example == "" {
				example = lessons[sub.CommandPath()].example
			}
			if example != "" {
				fmt.Fprintf(w, ".PP\nExample:\n.PP\n.nf\n%s\n.fi\n", roff(example))
			}
		}
		manCommands(w, sub)
	}
}

func manFlag(w io.Writer, f *pflag.Flag) {
	if f.Name == "help" || f.Hidden {
		return
	}
	arg, usage := pflag.UnquoteUsage(f)
	fmt.Fprint(w, ".TP\n")
	if f.Shorthand != "" {
		fmt.Fprintf(w, "\\fB\\-%s\\fR, ", f.Shorthand)
	}
	fmt.Fprintf(w, "\\fB%s\\fR \\fI%s\\fR\n%s", roff("--"+f.Name), roff(arg), roff(usage))
	// The default of workers is the machine's.
	if d := f.DefValue; d != "" && d != "false" && d != "[]" && f.Name != "workers" {
		fmt.Fprintf(w, " (default %s)", roff(d))
	}
	fmt.Fprintln(w)
}

// manText writes paragraphs, with lines that begin with a space as they are.
func manText(w io.Writer, text string) {
	asIs := false
	for l := range strings.SplitSeq(text, "\n") {
		if is := strings.HasPrefix(l, " "); is != asIs && l != "" {
			fmt.Fprintln(w, map[bool]string{true: ".nf", false: ".fi"}[is])
			asIs = is
		}
		if l == "" {
			fmt.Fprintln(w, ".PP")
			continue
		}
		fmt.Fprintln(w, roff(l))
	}
	if asIs {
		fmt.Fprintln(w, ".fi")
	}
}

// roff escapes what troff takes for something else.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(text)
	var out []string
	for l := range strings.SplitSeq(text, "\n") {
		if strings.HasPrefix(l, ".") || strings.HasPrefix(l, "'") {
			l = `\&` + l
		}
		out = append(out, l)
	}
	return strings.Join(out, "\n")
}
