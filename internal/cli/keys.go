package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"quern/internal/core/keyset"
)

func newKeys(s Streams) *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "keys",
		Short: "manage a Tink keyset: create, list, rotate, promote, enable, disable",
		Long: `keys manages the keyset that tokens are made with and opened by: a file in Tink's JSON form,
with any number of AES256_SIV keys. New tokens are made with the primary key; every enabled
key opens the tokens made with it. Nothing ever prints a key itself.`,
		Example: `  quern keys create --keyset team.json
  quern keys rotate && quern retokenize quern-out`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.PersistentFlags().StringVar(&file, "keyset", "", keysetUsage)
	cmd.AddCommand(newKeysCreate(s, &file), newKeysList(s, &file), newKeysRotate(s, &file),
		newKeysChange(s, &file, "promote", "make a key the primary: new tokens are made with it", (*keyset.Keyset).Promote,
			"key %d is the primary of %s\n"),
		newKeysChange(s, &file, "enable", "let a key open tokens again", (*keyset.Keyset).Enable, "key %d of %s opens tokens\n"),
		newKeysChange(s, &file, "disable", "keep a key from opening tokens, until it is enabled again", (*keyset.Keyset).Disable,
			"key %d of %s opens no tokens until it is enabled again\n"))
	return cmd
}

func newKeysCreate(s Streams, file *string) *cobra.Command {
	return &cobra.Command{
		Use:   "create",
		Short: "make a keyset of one fresh key; never overwrites one",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			path, err := keysetPath(*file)
			if err != nil {
				return err
			}
			ks, err := keyset.Create(path)
			if err != nil {
				return err
			}
			warnOfLoss(s.Err)
			_, err = fmt.Fprintf(s.Out, "made %s with key %d\n", path, ks.PrimaryID())
			return err
		},
	}
}

func newKeysList(s Streams, file *string) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "list the keys by id, without the keys themselves",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			ks, _, err := namedKeyset(*file, s.Err)
			if err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(s.Out).Encode(ks)
			}
			return listKeys(s.Out, ks)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func listKeys(out io.Writer, ks *keyset.Keyset) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tSTATUS\tPRIMARY\tTYPE")
	for _, k := range ks.Keys() {
		primary, kind := "no", k.Type
		if k.Primary {
			primary = "yes"
		}
		if k.Prefix != keyset.Prefix {
			kind += " with prefix " + k.Prefix
		}
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\n", k.ID, k.Status, primary, kind)
	}
	return w.Flush()
}

func newKeysRotate(s Streams, file *string) *cobra.Command {
	return &cobra.Command{
		Use:   "rotate",
		Short: "add a fresh key and make it the primary; older tokens still open",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			ks, path, err := namedKeyset(*file, s.Err)
			if err != nil {
				return err
			}
			old := ks.PrimaryID()
			id, err := ks.Rotate()
			if err != nil {
				return err
			}
			if err := ks.Save(path); err != nil {
				return err
			}
			_, err = fmt.Fprintf(s.Out, "added key %d to %s and made it the primary; key %d still opens the tokens made with it\n"+
				"tokens of the two keys do not match each other: re-encrypt finished outputs with `quern retokenize OUT`\n", id, path, old)
			return err
		},
	}
}

// newKeysChange is a command that changes one key.
func newKeysChange(s Streams, file *string, verb, short string, change func(*keyset.Keyset, uint32) error, done string) *cobra.Command {
	return &cobra.Command{
		Use:   verb + " ID",
		Short: short,
		Args:  cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			id, err := strconv.ParseUint(args[0], 10, 32)
			if err != nil {
				return usagef("%q is no key id; `quern keys list` shows them", args[0])
			}
			ks, path, err := namedKeyset(*file, s.Err)
			if err != nil {
				return err
			}
			if err := change(ks, uint32(id)); err != nil {
				return err
			}
			if err := ks.Save(path); err != nil {
				return err
			}
			_, err = fmt.Fprintf(s.Out, done, id, path)
			return err
		},
	}
}

// namedKeyset reads the keyset that a command is about, usable or not.
func namedKeyset(file string, stderr io.Writer) (*keyset.Keyset, string, error) {
	path, err := keysetPath(file)
	if err != nil {
		return nil, "", err
	}
	ks, err := loadKeyset(path, stderr)
	return ks, path, err
}
