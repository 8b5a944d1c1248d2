package cli

import (
	"fmt"
	"os"
	"strconv"

	"github.com/spf13/cobra"

	"quern/internal/core/keyset"
)

// flagWords are the values of flags that have few.
var flagWords = map[string][]string{
	"layout":      {"normalized\ta table of records, and one of each list", "wide\tone table with a row a list item"},
	"compression": {"zstd", "snappy", "none"},
	"profile":     {"modern\tencodings that today's readers know", "conservative\tfor old readers"},
	"progress":    {"auto", "always", "never"},
	"max-rejects": {"0", "100", "1%"},
	"memory":      {"512MiB", "1GiB", "2GiB", "4GiB"},
	"file-size":   {"128MiB", "256MiB", "1GiB"},
}

// flagFiles are how the files of flags end; flagDirs name folders.
var (
	flagFiles = map[string][]string{"recipe": {"yaml", "yml"}, "keyset": {"json"}, "table": {"parquet"}}
	flagDirs  = []string{"temp"}
)

// complete has the shell offer values of flags and arguments, in c and below. What is named without reading it is
// offered; a keyset is read for its ids if it is in clear text.
func complete(c *cobra.Command) {
	must := func(err error) {
		if err != nil {
			panic("BUG: cli: completion: " + err.Error())
		}
	}
	for name, words := range flagWords {
		if c.Flags().Lookup(name) != nil {
			must(c.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)))
		}
	}
	for name, endings := range flagFiles {
		if c.Flags().Lookup(name) != nil {
			must(c.MarkFlagFilename(name, endings...))
		}
	}
	for _, name := range flagDirs {
		if c.Flags().Lookup(name) != nil {
			must(c.MarkFlagDirname(name))
		}
	}
	switch c.CommandPath() {
	case "quern run":
		must(c.MarkFlagDirname("out"))
	case "quern keys promote", "quern keys enable", "quern keys disable":
		c.ValidArgsFunction = completeKeyIDs
	case "quern lookup", "quern report", "quern verify":
		c.ValidArgsFunction = func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) == 0 {
				return nil, cobra.ShellCompDirectiveFilterDirs
			}
			return nil, cobra.ShellCompDirectiveDefault
		}
	case "quern recipe check":
		c.ValidArgsFunction = func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return []string{"yaml", "yml"}, cobra.ShellCompDirectiveFilterFileExt
		}
	}
	for _, sub := range c.Commands() {
		complete(sub)
	}
}

// completeKeyIDs offers the ids of the keyset that the command line names.
func completeKeyIDs(c *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	const none = cobra.ShellCompDirectiveNoFileComp
	path, _ := c.Flags().GetString("keyset")
	if path == "" {
		path = os.Getenv(keysetEnv)
	}
	var err error
	if path == "" {
		path, err = keyset.DefaultPath()
	}
	if err != nil || len(args) > 0 {
		return nil, none
	}
	ks, _, err := keyset.Load(path)
	if err != nil {
		return nil, none
	}
	var ids []string
	for _, k := range ks.Keys() {
		what := k.Status
		if k.Primary {
			what += ", the primary"
		}
		ids = append(ids, fmt.Sprintf("%s\t%s", strconv.FormatUint(uint64(k.ID), 10), what))
	}
	return ids, none
}
