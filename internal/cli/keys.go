package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"quern/internal/core/keyset"
)

func newKeys(s Streams) *cobra.Command {
	var f keyFlags
	cmd := &cobra.Command{
		Use:   "keys",
		Short: "make, list, rotate and change the keys of a Tink keyset",
		Long: `keys manages the keyset that tokens are made with and opened by: a file in Tink's JSON form,
with any number of AES256_SIV keys. New tokens are made with the primary key; every enabled
key opens the tokens made with it. Nothing ever prints a key itself.

With --kek the file is encrypted under a key that stays in a KMS, and whoever uses the keyset
needs the right to decrypt with that key. URI is one of
  hcvault://HOST:PORT/transit/keys/NAME    HashiCorp Vault or OpenBao
  aws-kms://arn:aws:kms:REGION:ACCOUNT:key/ID
  gcp-kms://projects/P/locations/L/keyRings/R/cryptoKeys/K
Credentials are found where each KMS's own tools find them.`,
		Example: `  quern keys create --keyset team.json
  quern keys rotate && quern retokenize quern-out
  quern keys create --keyset team.json \
    --kek hcvault://vault:8200/transit/keys/quern`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	f.add(cmd.PersistentFlags(), keysetUsage)
	cmd.AddCommand(newKeysCreate(s, &f), newKeysList(s, &f), newKeysRotate(s, &f),
		newKeysChange(s, &f, "promote", "make a key the primary: new tokens are made with it", (*keyset.Keyset).Promote,
			"key %d is the primary of %s\n"),
		newKeysChange(s, &f, "enable", "let a key open tokens again", (*keyset.Keyset).Enable, "key %d of %s opens tokens\n"),
		newKeysChange(s, &f, "disable", "keep a key from opening tokens, until it is enabled again", (*keyset.Keyset).Disable,
			"key %d of %s opens no tokens until it is enabled again\n"),
		newKeysRewrap(s, &f))
	return cmd
}

func newKeysCreate(s Streams, f *keyFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "create",
		Short: "make a keyset of one fresh key; never overwrites one",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			keys, err := f.keyring()
			if err != nil {
				return err
			}
			ks, err := keyset.CreateUnder(cmd.Context(), keys.path, keys.kek)
			if err != nil {
				return err
			}
			keys.warnOfLoss(s.Err)
			_, err = fmt.Fprintf(s.Out, "made %s with key %d%s\n", keys.path, ks.PrimaryID(), under(keys.kek))
			return err
		},
	}
}

func newKeysList(s Streams, f *keyFlags) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "list the keys by id, without the keys themselves",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ks, _, err := f.load(cmd.Context(), s.Err)
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

func newKeysRotate(s Streams, f *keyFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "rotate",
		Short: "add a fresh key and make it the primary; older tokens still open",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ks, path, err := f.load(cmd.Context(), s.Err)
			if err != nil {
				return err
			}
			old := ks.PrimaryID()
			id, err := ks.Rotate()
			if err != nil {
				return err
			}
			if err := ks.Save(cmd.Context(), path); err != nil {
				return err
			}
			_, err = fmt.Fprintf(s.Out, "added key %d to %s and made it the primary; key %d still opens the tokens made with it\n"+
				"tokens of the two keys do not match each other: re-encrypt finished outputs with `quern retokenize OUT`\n", id, path, old)
			return err
		},
	}
}

// newKeysChange is a command that changes one key.
func newKeysChange(s Streams, f *keyFlags, verb, short string, change func(*keyset.Keyset, uint32) error, done string) *cobra.Command {
	return &cobra.Command{
		Use:   verb + " ID",
		Short: short,
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := strconv.ParseUint(args[0], 10, 32)
			if err != nil {
				return usagef("%q is no key id; `quern keys list` shows them", args[0])
			}
			ks, path, err := f.load(cmd.Context(), s.Err)
			if err != nil {
				return err
			}
			if err := change(ks, uint32(id)); err != nil {
				return err
			}
			if err := ks.Save(cmd.Context(), path); err != nil {
				return err
			}
			_, err = fmt.Fprintf(s.Out, done, id, path)
			return err
		},
	}
}

func newKeysRewrap(s Streams, f *keyFlags) *cobra.Command {
	var to optional
	var clearText bool
	cmd := &cobra.Command{
		Use:   "rewrap",
		Short: "encrypt the keyset under another KMS key, or anew under the same",
		Long: `rewrap decrypts the keyset and encrypts it under another KMS key. Its keys stay the same, so
nothing need be done about tokens. Without --new-kek it is encrypted anew under the same KMS key,
which after a rotation of that key is under its newest version. A keyset in clear text needs
--new-kek only.`,
		Example: `  quern keys rewrap --kek hcvault://vault:8200/transit/keys/quern
  quern keys rewrap --kek hcvault://vault:8200/transit/keys/quern \
    --new-kek gcp-kms://projects/...
  quern keys rewrap --new-kek hcvault://vault:8200/transit/keys/quern`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			keys, err := f.keyring()
			if err != nil {
				return err
			}
			kek, err := to.parse("--new-kek")
			switch {
			case err != nil:
				return err
			case clearText && to.given:
				return usagef("--new-kek encrypts the keyset and --to-clear-text decrypts it; leave one out")
			case clearText && keys.kek == nil:
				return usagef("--to-clear-text decrypts a keyset, and needs --kek for it")
			case to.given && to.value == "":
				return usagef("--new-kek is empty; to have the keyset in clear text say so with --to-clear-text")
			case !clearText && kek == nil && keys.kek == nil:
				return usagef("name the KMS key to encrypt the keyset under with --new-kek URI")
			case !clearText && kek == nil:
				kek = keys.kek
			}
			ks, err := keys.load(cmd.Context(), s.Err)
			if err != nil {
				return err
			}
			ks.Rewrap(kek)
			if err := ks.Save(cmd.Context(), keys.path); err != nil {
				return err
			}
			if kek == nil {
				_, err = fmt.Fprintf(s.Out, "%s is in clear text: whoever reads the file has its keys\n", keys.path)
				return err
			}
			if keys.kek == nil {
				fmt.Fprintln(s.Err, "quern: copies of the file in clear text, such as backups, still open the tokens: delete them, or follow with `quern keys rotate` and `quern retokenize`")
			}
			_, err = fmt.Fprintf(s.Out, "%s is encrypted under %s\n", keys.path, kek)
			return err
		},
	}
	cmd.Flags().Var(&to, "new-kek", "`URI` of the KMS key to encrypt it under")
	cmd.Flags().BoolVar(&clearText, "to-clear-text", false, "write the keyset unencrypted")
	return cmd
}

// load reads the keyset that a command is about, usable or not.
func (f *keyFlags) load(ctx context.Context, stderr io.Writer) (*keyset.Keyset, string, error) {
	keys, err := f.keyring()
	if err != nil {
		return nil, "", err
	}
	ks, err := keys.load(ctx, stderr)
	return ks, keys.path, err
}
