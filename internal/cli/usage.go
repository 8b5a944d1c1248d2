package cli

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"quern/internal/edit"

	"github.com/spf13/cobra"
)

// usageArgs makes wrong arguments usage errors that say where help is, in c and below.
func usageArgs(c *cobra.Command) {
	if check := c.Args; check != nil {
		c.Args = func(cmd *cobra.Command, args []string) error {
			if err := check(cmd, args); err != nil {
				return seeHelp(cmd, err)
			}
			return nil
		}
	}
	for _, sub := range c.Commands() {
		usageArgs(sub)
	}
}

func seeHelp(cmd *cobra.Command, err error) error {
	return usageError{fmt.Errorf("%w; see `%s --help`", err, cmd.CommandPath())}
}

// noArgs refuses arguments.
func noArgs(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("unexpected argument %q: the command takes none", args[0])
	}
	return nil
}

// noSubcommand refuses what is no command of cmd, and says what it may have been meant for.
func noSubcommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var names []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	return fmt.Errorf("unknown command %q%s", args[0], didYouMean(args[0], names, ""))
}

// atLeastOne asks for an argument; what says which.
func atLeastOne(what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) == 0 {
			return errors.New("name " + what)
		}
		return nil
	}
}

// exactlyOne asks for one argument; what says which.
func exactlyOne(what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		switch {
		case len(args) == 0:
			return errors.New("name " + what)
		case len(args) > 1:
			return fmt.Errorf("unexpected argument %q: name one thing, %s", args[1], what)
		}
		return nil
	}
}

var (
	// parseError is what strconv adds to the error of a flag's value.
	parseError = regexp.MustCompile(`strconv\.Parse(\w+): parsing ".*": invalid syntax$`)
	longFlag   = regexp.MustCompile(`--([a-z][a-z-]*)`)
)

// flagError says in our words what is wrong with a flag.
func flagError(cmd *cobra.Command, err error) error {
	text := err.Error()
	if m := parseError.FindStringSubmatchIndex(text); m != nil {
		want := map[string]string{"Int": "write a whole number", "Uint": "write a whole number, 0 or more",
			"Float": "write a number", "Bool": "write true or false"}[text[m[2]:m[3]]]
		return seeHelp(cmd, usagef("%s%s", text[:m[0]], want))
	}
	if name, ok := strings.CutPrefix(text, "unknown flag: --"); ok {
		var names []string
		for _, m := range longFlag.FindAllStringSubmatch(cmd.Flags().FlagUsages(), -1) {
			names = append(names, m[1])
		}
		return seeHelp(cmd, usagef("%s%s", text, didYouMean(name, names, "--")))
	}
	return seeHelp(cmd, err)
}

// didYouMean is a hint for a word that is none of the known ones, or nothing.
func didYouMean(word string, known []string, dash string) string {
	best, least := "", len(word)/3+2
	for _, k := range known {
		d := edit.Distance([]byte(word), []byte(k))
		if len(k) > 1 && strings.HasPrefix(word, k) || len(word) > 1 && strings.HasPrefix(k, word) {
			d = 1
		}
		if d < least {
			best, least = k, d
		}
	}
	if best == "" {
		return ""
	}
	return "; did you mean " + dash + best + "?"
}
