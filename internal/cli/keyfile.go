package cli

import (
	"errors"
	"fmt"
	"io"
	"os"

	"quern/internal/core/keyset"
	"quern/internal/core/seal"
)

// keysetEnv names the variable that has the keyset's file where no flag does.
const keysetEnv = "QUERN_KEYSET"

const keysetUsage = "Tink keyset `FILE` (default: $QUERN_KEYSET, then the user's own)"

// keysetPath is the keyset's file: the flag's, that of QUERN_KEYSET, or the user's own.
func keysetPath(flag string) (string, error) {
	path, _, err := locateKeyset(flag)
	return path, err
}

// locateKeyset is keysetPath; named says whether the user named the file.
func locateKeyset(flag string) (path string, named bool, err error) {
	if flag != "" {
		return flag, true, nil
	}
	if env := os.Getenv(keysetEnv); env != "" {
		return env, true, nil
	}
	path, err = keyset.DefaultPath()
	return path, false, err
}

// missingKeyset is a keyset.ErrMissing with the way out that fits the command.
type missingKeyset struct{ path, hint string }

func (e missingKeyset) Error() string {
	return fmt.Sprintf("keyset %s: there is no such file: %s", e.path, e.hint)
}
func (missingKeyset) Unwrap() error { return keyset.ErrMissing }

// loadSealer returns the sealer of the user's keyset, and the keyset's file. With create, the user's own keyset is
// made if it is missing: that is said on stderr, as are warnings. A file that the user named is never made.
func loadSealer(flag string, stderr io.Writer, create bool) (*seal.Sealer, string, error) {
	path, named, err := locateKeyset(flag)
	if err != nil {
		return nil, "", err
	}
	ks, err := loadKeyset(path, stderr)
	if errors.Is(err, keyset.ErrMissing) {
		switch {
		case !create:
			err = missingKeyset{path, "name the one that the tokens were made with by --keyset or " + keysetEnv}
		case named:
			err = missingKeyset{path, fmt.Sprintf("make it with `quern keys create --keyset %s`, or name another", path)}
		default:
			ks, err = createKeyset(path, stderr)
		}
	}
	if err != nil {
		return nil, "", err
	}
	s, err := seal.New(ks)
	return s, path, err
}

// loadKeyset reads a keyset and says on stderr what could be kept better.
func loadKeyset(path string, stderr io.Writer) (*keyset.Keyset, error) {
	ks, advice, err := keyset.Load(path)
	for _, a := range advice {
		fmt.Fprintf(stderr, "quern: warning: %s\n", a)
	}
	return ks, err
}

// createKeyset makes the user's own keyset, unless another quern was quicker.
func createKeyset(path string, stderr io.Writer) (*keyset.Keyset, error) {
	ks, err := keyset.Create(path)
	if errors.Is(err, keyset.ErrExists) {
		return loadKeyset(path, stderr)
	}
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(stderr, "quern: made a keyset for you: %s\n", path)
	warnOfLoss(stderr)
	return ks, nil
}

// warnOfLoss says what a keyset is worth.
func warnOfLoss(stderr io.Writer) {
	fmt.Fprintln(stderr, "quern: without this file no pseudonymised value can be recovered; keep a copy where others cannot read it")
}
