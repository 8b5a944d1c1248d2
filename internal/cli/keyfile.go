package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/pflag"

	"quern/internal/core/keyset"
	"quern/internal/core/seal"
	"quern/internal/kms"
	"quern/internal/remote"
)

// keysetEnv and kekEnv name the variables that count where no flag does.
const (
	keysetEnv = "QUERN_KEYSET"
	kekEnv    = "QUERN_KEK"
)

const keysetUsage = "Tink keyset `FILE` (default: $QUERN_KEYSET, then the user's own)"

// keyFlags are the flags of a command that uses a keyset, as they were written.
type keyFlags struct {
	file string
	kek  optional
}

func (f *keyFlags) add(fl *pflag.FlagSet, usage string) {
	fl.StringVar(&f.file, "keyset", "", usage)
	fl.Var(&f.kek, "kek", "`URI` of the KMS key that the keyset is encrypted under (default: $QUERN_KEK, then none)")
}

// optional is a flag that may be given and empty.
type optional struct {
	value string
	given bool
}

func (o *optional) Set(s string) error { o.value, o.given = s, true; return nil }
func (o *optional) String() string     { return o.value }
func (o *optional) Type() string       { return "string" }

// keyring is a keyset's file and what it is encrypted under.
type keyring struct {
	path  string
	named bool       // by the user
	kek   keyset.KEK // nil: clear text
}

// keyring says which keyset is meant: the flag's file, that of QUERN_KEYSET, or the user's own. No file is touched.
func (f *keyFlags) keyring() (*keyring, error) {
	kek, err := f.kek.or(kekEnv).parse("--kek or " + kekEnv)
	if err != nil {
		return nil, err
	}
	file := f.file
	if file == "" {
		file = os.Getenv(keysetEnv)
	}
	if remote.Is(file) {
		return nil, usagef("the keyset %s is a URL; a keyset is a file on this machine, which not everybody who reads the bucket has", remote.Show(file))
	}
	if file != "" {
		return &keyring{file, true, kek}, nil
	}
	path, err := keyset.DefaultPath()
	return &keyring{path, false, kek}, err
}

// or is the flag, or if it was not given an environment variable.
func (o optional) or(env string) optional {
	if !o.given {
		o.value = os.Getenv(env)
	}
	return o
}

// parse is the KMS key that a flag names, or nil if it names none.
func (o optional) parse(flag string) (keyset.KEK, error) {
	if o.value == "" {
		return nil, nil
	}
	key, err := kms.Parse(o.value)
	if err != nil {
		return nil, usagef("%s: %w", flag, err)
	}
	return key, nil
}

// missingKeyset is a keyset.ErrMissing with the way out that fits the command.
type missingKeyset struct{ path, hint string }

func (e missingKeyset) Error() string {
	return fmt.Sprintf("keyset %s: there is no such file: %s", e.path, e.hint)
}
func (missingKeyset) Unwrap() error { return keyset.ErrMissing }

// sealer returns the sealer of the keyset. With create, the user's own keyset is made if it is missing: that is said on
// stderr, as are warnings. A file that the user named is never made.
func (r *keyring) sealer(ctx context.Context, stderr io.Writer, create bool) (*seal.Sealer, error) {
	ks, err := r.load(ctx, stderr)
	if errors.Is(err, keyset.ErrMissing) {
		switch {
		case !create:
			err = missingKeyset{r.path, "name the one that the tokens were made with by --keyset or " + keysetEnv}
		case r.named:
			err = missingKeyset{r.path, fmt.Sprintf("make it with `quern keys create --keyset %s`, or name another", r.path)}
		default:
			ks, err = r.create(ctx, stderr)
		}
	}
	if err != nil {
		return nil, err
	}
	return seal.New(ks)
}

// load reads the keyset and says on stderr what could be kept better.
func (r *keyring) load(ctx context.Context, stderr io.Writer) (*keyset.Keyset, error) {
	ks, advice, err := keyset.LoadUnder(ctx, r.path, r.kek)
	for _, a := range advice {
		fmt.Fprintf(stderr, "quern: warning: %s\n", a)
	}
	return ks, err
}

// create makes the user's own keyset, unless another quern was quicker.
func (r *keyring) create(ctx context.Context, stderr io.Writer) (*keyset.Keyset, error) {
	ks, err := keyset.CreateUnder(ctx, r.path, r.kek)
	if errors.Is(err, keyset.ErrExists) {
		return r.load(ctx, stderr)
	}
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(stderr, "quern: made a keyset for you: %s%s\n", r.path, under(r.kek))
	r.warnOfLoss(stderr)
	return ks, nil
}

// under says in a message what a keyset is encrypted under, or nothing.
func under(kek keyset.KEK) string {
	if kek == nil {
		return ""
	}
	return ", encrypted under " + kek.String()
}

// warnOfLoss says what a keyset is worth.
func (r *keyring) warnOfLoss(stderr io.Writer) {
	if r.kek != nil {
		fmt.Fprintln(stderr, "quern: without this file and that KMS key no pseudonymised value can be recovered; keep a copy of the one, and the other from being deleted")
		return
	}
	fmt.Fprintln(stderr, "quern: without this file no pseudonymised value can be recovered; keep a copy where others cannot read it")
}
