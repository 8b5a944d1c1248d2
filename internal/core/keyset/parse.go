package keyset

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"regexp"
	"runtime"

	tink "github.com/tink-crypto/tink-go/v2/keyset"
	tinkpb "github.com/tink-crypto/tink-go/v2/proto/tink_go_proto"
)

// maxSize bounds in bytes what is read as a keyset. A key takes about 250 bytes; what is larger is another file.
const maxSize = 1 << 20

// Advice is a sentence for the user about a keyset that works but could be kept better.
type Advice string

// Load is LoadUnder without a KEK.
func Load(path string) (*Keyset, []Advice, error) { return LoadUnder(context.Background(), path, nil) }

// LoadUnder reads the keyset at path, a file or a pipe: one that is encrypted under kek, or in clear text if kek is nil.
// It fails with ErrMissing, ErrUnreadable, ErrNotKeyset, ErrEncrypted, ErrClearText or ErrKEK. It does not fail for a
// keyset that cannot seal; see Check.
func LoadUnder(ctx context.Context, path string, kek KEK) (*Keyset, []Advice, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, fail(ErrMissing, err, "keyset %s: there is no such file: create it with `quern keys create`, or name another with --keyset", path)
	}
	if err != nil {
		return nil, nil, unreadable(path, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, nil, unreadable(path, err)
	}
	if info.IsDir() {
		return nil, nil, fail(ErrUnreadable, nil, "keyset %s: it is a directory: name the file in it", path)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	if err != nil {
		return nil, nil, unreadable(path, err)
	}
	if len(text) > maxSize {
		return nil, nil, notKeyset(path, "it is larger than any keyset")
	}
	k, err := parse(ctx, path, text, kek)
	if err != nil {
		return nil, nil, err
	}
	return k, advise(path, info), nil
}

// ParseUnder is LoadUnder of a text that was read at path.
func ParseUnder(ctx context.Context, path string, text []byte, kek KEK) (*Keyset, error) {
	return parse(ctx, path, text, kek)
}

func unreadable(path string, err error) error {
	return fail(ErrUnreadable, err, "keyset %s: it cannot be read: %v: check its owner and permissions", path, cause(err))
}

// cause returns the error without the operation and path of a PathError or LinkError, which our text already names.
func cause(err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err
	}
	if l, ok := errors.AsType[*os.LinkError](err); ok {
		return l.Err
	}
	return err
}

func notKeyset(path, why string) error {
	return fail(ErrNotKeyset, nil, "keyset %s: %s: quern reads Tink's JSON keysets; name another file with --keyset, or restore this one from a backup", path, why)
}

// advise returns what is to be said about a keyset file's mode. Pipes and Windows have no modes worth a word.
func advise(path string, info fs.FileInfo) []Advice {
	mode := info.Mode()
	if !mode.IsRegular() || runtime.GOOS == "windows" || mode.Perm()&0o077 == 0 {
		return nil
	}
	return []Advice{Advice("keyset " + path + ": others can reach it (mode " + mode.Perm().String() + "): run `chmod 600` on it")}
}

// where finds the place in protojson's errors, which else may quote the file.
var where = regexp.MustCompile(`\(line (\d+):(\d+)\)`)

// parse reads a keyset's text: well formed, with distinct ids. path is for errors.
func parse(ctx context.Context, path string, text []byte, kek KEK) (*Keyset, error) {
	if len(bytes.TrimSpace(text)) == 0 {
		return nil, notKeyset(path, "it is empty")
	}
	if !json.Valid(text) {
		return nil, notKeyset(path, "it is not JSON")
	}
	sealed, err := tink.NewJSONReader(bytes.NewReader(text)).ReadEncrypted()
	var set *tinkpb.Keyset
	switch encrypted := err == nil && len(sealed.GetEncryptedKeyset()) > 0; {
	case encrypted && kek == nil:
		return nil, fail(ErrEncrypted, nil, "keyset %s: it is encrypted under a KMS key: name that key with --kek URI or QUERN_KEK", path)
	case encrypted:
		if set, err = unwrap(ctx, path, sealed.GetEncryptedKeyset(), kek); err != nil {
			return nil, err
		}
	default:
		set, err = tink.NewJSONReader(bytes.NewReader(text)).Read()
	}
	if err != nil {
		why := "it is JSON, but no keyset"
		if at := where.FindStringSubmatch(err.Error()); at != nil {
			why += " (line " + at[1] + ", column " + at[2] + ")"
		}
		return nil, notKeyset(path, why)
	}
	if len(set.GetKey()) == 0 {
		return nil, notKeyset(path, "it holds no key")
	}
	k := &Keyset{set: set, path: path, kek: kek}
	if err := k.wellFormed(); err != nil {
		return nil, err
	}
	if kek != nil && sealed.GetEncryptedKeyset() == nil {
		return nil, fail(ErrClearText, nil, "keyset %s: it is in clear text, and --kek or QUERN_KEK names a KMS key: encrypt it with `quern keys rewrap --kek= --new-kek URI`, or leave the KMS key out with --kek=", path)
	}
	return k, nil
}

// wellFormed says whether every key has material, a prefix and a status, and no two have one id. This is what Tink's
// Validate asks for, less what Check says better.
func (k *Keyset) wellFormed() error {
	seen := make(map[uint32]bool)
	for _, key := range k.set.GetKey() {
		info := k.info(key)
		switch {
		case seen[info.ID]:
			return fail(ErrNotKeyset, nil, "keyset %s: two of its keys have id %d: restore the file from a backup", k.path, info.ID)
		case key.GetStatus() == tinkpb.KeyStatusType_DESTROYED: // has lost its material
		case key.GetKeyData() == nil,
			key.GetStatus() == tinkpb.KeyStatusType_UNKNOWN_STATUS,
			key.GetOutputPrefixType() == tinkpb.OutputPrefixType_UNKNOWN_PREFIX,
			info.Type == damaged:
			return fail(ErrNotKeyset, nil, "keyset %s: key %d in it is damaged: restore the file from a backup", k.path, info.ID)
		}
		seen[info.ID] = true
	}
	return nil
}
