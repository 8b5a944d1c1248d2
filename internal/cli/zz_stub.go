package cli

// TEMPORARY, never committed: whoever lands the real functions deletes theirs here (helper with reveal/keys/lookup).

import (
	"io"

	"github.com/spf13/cobra"

	"quern/internal/core/keyset"
	"quern/internal/core/seal"
)

func newReveal(Streams) *cobra.Command     { return &cobra.Command{Use: "reveal"} }
func newRetokenize(Streams) *cobra.Command { return &cobra.Command{Use: "retokenize"} }
func newKeys(Streams) *cobra.Command       { return &cobra.Command{Use: "keys"} }
func newLookup(Streams) *cobra.Command     { return &cobra.Command{Use: "lookup"} }

func keysetPath(flag string) (string, error) {
	if flag != "" {
		return flag, nil
	}
	return keyset.DefaultPath()
}

func loadSealer(flag string, stderr io.Writer, create bool) (*seal.Sealer, string, error) {
	path, err := keysetPath(flag)
	if err != nil {
		return nil, "", err
	}
	ks, _, err := keyset.Load(path)
	if err != nil && create {
		ks, err = keyset.Create(path)
	}
	if err != nil {
		return nil, "", err
	}
	s, err := seal.New(ks)
	return s, path, err
}
