package keyset

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/tink-crypto/tink-go/v2/daead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	tink "github.com/tink-crypto/tink-go/v2/keyset"
	tinkpb "github.com/tink-crypto/tink-go/v2/proto/tink_go_proto"
)

// material64 is the serialised AesSivKey of two.json: tag, length, then the bytes 0 to 63.
const material64 = "EkAAAQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyAhIiMkJSYnKCkqKywtLi8wMTIzNDU2Nzg5Ojs8PT4/"

// key is a key of a keyset's JSON.
func key(id uint32, status, typ, prefix, value string) string {
	return fmt.Sprintf(`{"keyData":{"typeUrl":"type.googleapis.com/google.crypto.tink.%s","value":"%s","keyMaterialType":"SYMMETRIC"},"status":"%s","keyId":%d,"outputPrefixType":"%s"}`,
		typ, value, status, id, prefix)
}

func siv(id uint32, status string) string { return key(id, status, "AesSivKey", "TINK", material64) }

func set(primary uint32, keys ...string) string {
	return fmt.Sprintf(`{"primaryKeyId":%d,"key":[%s]}`, primary, strings.Join(keys, ","))
}

// write puts text into a file of mode 0600 and returns its path.
func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keyset.json")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func load(t *testing.T, path string) *Keyset {
	t.Helper()
	k, _, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestCreateIsReadByTink(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "b", "keyset.json")
	k, err := Create(path)
	must(t, err)
	text, err := os.ReadFile(path)
	must(t, err)
	h, err := insecurecleartextkeyset.Read(tink.NewJSONReader(bytes.NewReader(text)))
	must(t, err)
	if _, err := daead.New(h); err != nil {
		t.Error(err)
	}
	if got := h.KeysetInfo().GetPrimaryKeyId(); got != k.PrimaryID() {
		t.Errorf("primary in the file %d, in memory %d", got, k.PrimaryID())
	}
	want := []KeyInfo{{ID: k.PrimaryID(), Status: "ENABLED", Primary: true, Type: Type, Prefix: Prefix}}
	if got := load(t, path).Keys(); !slices.Equal(got, want) {
		t.Errorf("keys %v, want %v", got, want)
	}
	if runtime.GOOS != "windows" {
		for name, want := range map[string]fs.FileMode{path: 0o600, filepath.Dir(path): 0o700, filepath.Dir(filepath.Dir(path)): 0o700} {
			if info, err := os.Stat(name); err != nil || info.Mode().Perm() != want {
				t.Errorf("%s: mode %v, %v; want %v", name, info.Mode().Perm(), err, want)
			}
		}
	}
	onlyFile(t, path)
}

// onlyFile fails if anything lies beside path.
func onlyFile(t *testing.T, path string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(path))
	must(t, err)
	for _, e := range entries {
		if e.Name() != filepath.Base(path) {
			t.Errorf("left behind: %s", e.Name())
		}
	}
}

func TestTinkKeysetIsReadByUs(t *testing.T) {
	h, err := tink.NewHandle(daead.AESSIVKeyTemplate())
	must(t, err)
	var text bytes.Buffer
	must(t, insecurecleartextkeyset.Write(h, tink.NewJSONWriter(&text)))
	k := load(t, write(t, text.String()))
	must(t, k.Check())
	if k.PrimaryID() != h.KeysetInfo().GetPrimaryKeyId() {
		t.Errorf("primary %d, want %d", k.PrimaryID(), h.KeysetInfo().GetPrimaryKeyId())
	}
}

func TestCreateNeverOverwrites(t *testing.T) {
	file := write(t, "precious")
	link := filepath.Join(filepath.Dir(file), "link")
	must(t, os.Symlink("nowhere", link))
	for _, path := range []string{file, link, filepath.Dir(file)} {
		if _, err := Create(path); !errors.Is(err, ErrExists) || !errors.Is(err, fs.ErrExist) {
			t.Errorf("Create(%s): %v, want ErrExists", path, err)
		}
	}
	if text, _ := os.ReadFile(file); string(text) != "precious" {
		t.Errorf("the file is now %q", text)
	}
}

func TestCreateRace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keyset.json")
	made := make([]*Keyset, 8)
	var wg sync.WaitGroup
	for i := range made {
		wg.Go(func() {
			k, err := Create(path)
			if err != nil && !errors.Is(err, ErrExists) {
				t.Error(err)
			}
			made[i] = k
		})
	}
	wg.Wait()
	made = slices.DeleteFunc(made, func(k *Keyset) bool { return k == nil })
	if len(made) != 1 {
		t.Fatalf("%d winners", len(made))
	}
	if got := load(t, path).PrimaryID(); got != made[0].PrimaryID() {
		t.Errorf("primary %d in the file, %d in the winner's hands", got, made[0].PrimaryID())
	}
	onlyFile(t, path)
}

func TestClaimNeverOverwrites(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "keyset.json")
	for _, text := range []string{"first", "second"} {
		temp := filepath.Join(dir, "temp")
		must(t, os.WriteFile(temp, []byte(text), 0o600))
		if err := claim(temp, path); (text == "first") != (err == nil) || (err != nil && !errors.Is(err, fs.ErrExist)) {
			t.Errorf("%s: %v", text, err)
		}
		if got, err := os.ReadFile(path); string(got) != "first" {
			t.Errorf("%s: %q, %v", text, got, err)
		}
	}
}

func TestLoadErrors(t *testing.T) {
	cut := material64[:40] + "*" + material64[41:] // not base64 any more
	for name, c := range map[string]struct {
		text string
		want error
		say  string
	}{
		"empty":           {" \n", ErrNotKeyset, "it is empty"},
		"text":            {"hello", ErrNotKeyset, "not JSON"},
		"half a keyset":   {set(1, siv(1, "ENABLED"))[:90], ErrNotKeyset, "not JSON"},
		"other JSON":      {`{"id": 5}`, ErrNotKeyset, "line 1, column 2"},
		"array":           {`[1]`, ErrNotKeyset, "no keyset"},
		"no key":          {`{}`, ErrNotKeyset, "holds no key"},
		"encrypted":       {`{"encryptedKeyset":"AAAA","keysetInfo":{"primaryKeyId":7}}`, ErrEncrypted, "--kek"},
		"encrypted, too":  {`{"encrypted_keyset":"AAAA"}`, ErrEncrypted, "KMS key"},
		"not base64":      {set(1, key(1, "ENABLED", "AesSivKey", "TINK", cut)), ErrNotKeyset, "line 1, column"},
		"no key inside":   {set(1, key(1, "ENABLED", "AesSivKey", "TINK", "QUJD")), ErrNotKeyset, "key 1 in it is damaged"},
		"no key data":     {`{"primaryKeyId":1,"key":[{"keyId":1,"status":"ENABLED","outputPrefixType":"TINK"}]}`, ErrNotKeyset, "key 1 in it is damaged"},
		"unknown status":  {set(1, siv(1, "UNKNOWN_STATUS")), ErrNotKeyset, "key 1 in it is damaged"},
		"unknown prefix":  {set(1, key(1, "ENABLED", "AesSivKey", "UNKNOWN_PREFIX", material64)), ErrNotKeyset, "damaged"},
		"one id twice":    {set(1, siv(1, "ENABLED"), siv(1, "ENABLED")), ErrNotKeyset, "two of its keys have id 1"},
		"larger than any": {strings.Repeat(" ", maxSize+1), ErrNotKeyset, "larger"},
	} {
		path := write(t, c.text)
		_, _, err := Load(path)
		if !errors.Is(err, c.want) || !strings.Contains(fmt.Sprint(err), c.say) || !strings.Contains(fmt.Sprint(err), path) {
			t.Errorf("%s: %v; want %v, saying %q and the path", name, err, c.want, c.say)
		}
		leaks(t, name, fmt.Sprintf("%+v %#v", err, err))
	}

	dir := t.TempDir()
	if _, _, err := Load(filepath.Join(dir, "none")); !errors.Is(err, ErrMissing) || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing: %v", err)
	}
	if _, _, err := Load(dir); !errors.Is(err, ErrUnreadable) {
		t.Errorf("directory: %v", err)
	}
	if os.Geteuid() > 0 {
		path := write(t, set(1, siv(1, "ENABLED")))
		must(t, os.Chmod(path, 0))
		if _, _, err := Load(path); !errors.Is(err, ErrUnreadable) || !errors.Is(err, fs.ErrPermission) {
			t.Errorf("mode 0: %v", err)
		}
	}
}

func TestCheck(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want error
		say  string
	}{
		"good":             {set(1, siv(1, "ENABLED"), siv(2, "DISABLED")), nil, "<nil>"},
		"foreign key":      {set(1, siv(1, "ENABLED"), key(2, "ENABLED", "AesGcmKey", "TINK", "QUJD")), nil, "<nil>"},
		"disabled":         {set(1, siv(1, "DISABLED"), siv(2, "ENABLED")), ErrPrimaryDisabled, "`quern keys enable 1`"},
		"alone, disabled":  {set(1, siv(1, "DISABLED")), ErrPrimaryDisabled, "`quern keys promote ID`"},
		"destroyed":        {set(1, siv(1, "DESTROYED"), siv(2, "ENABLED")), ErrPrimaryDisabled, "key 1 is destroyed"},
		"primary not here": {set(9, siv(1, "ENABLED"), siv(2, "ENABLED")), ErrNoPrimary, "choose one of 1, 2"},
		"other type":       {set(1, key(1, "ENABLED", "AesGcmKey", "TINK", "QUJD")), ErrWrongType, "is AesGcmKey with prefix TINK"},
		"raw":              {set(1, key(1, "ENABLED", "AesSivKey", "RAW", material64)), ErrWrongType, "AES256_SIV with prefix RAW"},
		"short":            {set(1, key(1, "ENABLED", "AesSivKey", "TINK", "EiAAAQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHw==")), ErrWrongType, "AES_SIV of 128 bits"},
	} {
		k := load(t, write(t, c.text))
		err := k.Check()
		if !errors.Is(err, c.want) || !strings.Contains(fmt.Sprint(err), c.say) {
			t.Errorf("%s: %v; want %v, saying %q", name, err, c.want, c.say)
		}
		if h, herr := k.Handle(); fmt.Sprint(herr) != fmt.Sprint(err) || (err == nil && h.Len() != 1) {
			t.Errorf("%s: Handle: %v, %v", name, h, herr)
		}
		leaks(t, name, fmt.Sprintf("%+v %#v", err, err))
	}
}

func TestRawKeyFromTink(t *testing.T) {
	template := daead.AESSIVKeyTemplate()
	template.OutputPrefixType = tinkpb.OutputPrefixType_RAW
	h, err := tink.NewHandle(template)
	must(t, err)
	var text bytes.Buffer
	must(t, insecurecleartextkeyset.Write(h, tink.NewJSONWriter(&text)))
	k := load(t, write(t, text.String()))
	if err := k.Check(); !errors.Is(err, ErrWrongType) {
		t.Errorf("%v, want ErrWrongType", err)
	}
	_, err = k.Rotate()
	must(t, err)
	must(t, k.Check())
}

// state renders ids, statuses and the primary in one line: "1 2- 3*".
func state(k *Keyset) string {
	var b strings.Builder
	for _, i := range k.Keys() {
		b.WriteString(map[string]string{"ENABLED": "", "DISABLED": "-", "DESTROYED": "x"}[i.Status])
		fmt.Fprint(&b, i.ID)
		if i.Primary {
			b.WriteByte('*')
		}
		b.WriteByte(' ')
	}
	return strings.TrimSpace(b.String())
}

func TestChanges(t *testing.T) {
	promote, enable, disable := (*Keyset).Promote, (*Keyset).Enable, (*Keyset).Disable
	three := set(1, siv(1, "ENABLED"), siv(2, "DISABLED"), siv(3, "DESTROYED"), key(4, "ENABLED", "AesSivKey", "RAW", material64))
	broken := set(2, siv(1, "ENABLED"), siv(2, "DISABLED"))
	for name, c := range map[string]struct {
		text   string
		change func(*Keyset, uint32) error
		id     uint32
		want   error
		state  string
	}{
		"enable":             {three, enable, 2, nil, "1* 2 x3 4"},
		"enable enabled":     {three, enable, 1, nil, "1* -2 x3 4"},
		"enable destroyed":   {three, enable, 3, ErrDestroyed, "1* -2 x3 4"},
		"enable unknown":     {three, enable, 9, ErrNoSuchKey, "1* -2 x3 4"},
		"disable":            {three, disable, 4, nil, "1* -2 x3 -4"},
		"disable primary":    {three, disable, 1, ErrIsPrimary, "1* -2 x3 4"},
		"disable destroyed":  {three, disable, 3, ErrDestroyed, "1* -2 x3 4"},
		"promote itself":     {three, promote, 1, nil, "1* -2 x3 4"},
		"promote disabled":   {three, promote, 2, ErrDisabled, "1* -2 x3 4"},
		"promote destroyed":  {three, promote, 3, ErrDestroyed, "1* -2 x3 4"},
		"promote wrong type": {three, promote, 4, ErrWrongType, "1* -2 x3 4"},
		"promote unknown":    {three, promote, 9, ErrNoSuchKey, "1* -2 x3 4"},
		"mend by enable":     {broken, enable, 2, nil, "1 2*"},
		"mend by promote":    {broken, promote, 1, nil, "1* -2"},
	} {
		k := load(t, write(t, c.text))
		if err := c.change(k, c.id); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if got := state(k); got != c.state {
			t.Errorf("%s: %s, want %s", name, got, c.state)
		}
	}
}

func TestRotateAndSave(t *testing.T) {
	for _, text := range []string{set(1, siv(1, "ENABLED")), set(1, siv(1, "DISABLED")), set(9, siv(1, "ENABLED"))} {
		path := write(t, text)
		k := load(t, path)
		id, err := k.Rotate()
		must(t, err)
		must(t, k.Check())
		must(t, k.Save(t.Context(), path))
		again := load(t, path)
		if again.PrimaryID() != id || id == 1 || len(again.Keys()) != 2 || state(again) != state(k) {
			t.Errorf("after rotation to %d: %s", id, state(again))
		}
		if !bytes.Equal(again.set.GetKey()[0].GetKeyData().GetValue(), k.set.GetKey()[0].GetKeyData().GetValue()) {
			t.Error("the old key changed")
		}
		onlyFile(t, path)
	}
}

func TestSaveKeepsLinkAndMode(t *testing.T) {
	path := write(t, set(1, siv(1, "ENABLED"), siv(2, "ENABLED")))
	must(t, os.Chmod(path, 0o644))
	link := filepath.Join(t.TempDir(), "link.json")
	must(t, os.Symlink(path, link))
	k, advice, err := Load(link)
	must(t, err)
	if len(advice) != 1 || !strings.Contains(string(advice[0]), link) {
		t.Errorf("advice %q for mode 0644", advice)
	}
	must(t, k.Promote(2))
	must(t, k.Save(t.Context(), link))
	if info, err := os.Lstat(link); err != nil || info.Mode()&fs.ModeSymlink == 0 {
		t.Errorf("the link is now %v, %v", info.Mode(), err)
	}
	k, advice, err = Load(path)
	must(t, err)
	if k.PrimaryID() != 2 || len(advice) != 0 {
		t.Errorf("primary %d, advice %q", k.PrimaryID(), advice)
	}
}

func TestAdvice(t *testing.T) {
	path := write(t, set(1, siv(1, "ENABLED")))
	for mode, want := range map[fs.FileMode]int{0o600: 0, 0o400: 0, 0o640: 1, 0o604: 1, 0o620: 1, 0o644: 1} {
		must(t, os.Chmod(path, mode))
		if _, advice, err := Load(path); len(advice) != want || err != nil {
			t.Errorf("mode %o: advice %q, %v", mode, advice, err)
		}
	}
}

func TestSaveFailureLeavesTheOld(t *testing.T) {
	dangling := filepath.Join(t.TempDir(), "dangling")
	must(t, os.Symlink("nowhere", dangling))
	k := load(t, write(t, set(1, siv(1, "ENABLED"))))
	for _, path := range []string{t.TempDir(), dangling, filepath.Join(t.TempDir(), "no", "dir")} {
		if err := k.Save(t.Context(), path); !errors.Is(err, ErrUnreadable) {
			t.Errorf("Save(%s): %v", path, err)
		}
	}
	if _, err := os.Readlink(dangling); err != nil {
		t.Error(err)
	}
	fresh := filepath.Join(t.TempDir(), "fresh.json")
	must(t, k.Save(t.Context(), fresh))
	must(t, load(t, fresh).Check())
}

func TestPipe(t *testing.T) {
	r, w, err := os.Pipe()
	must(t, err)
	defer r.Close()
	_, _ = w.WriteString(set(1, siv(1, "ENABLED")))
	w.Close()
	path := fmt.Sprintf("/dev/fd/%d", r.Fd())
	if _, err := os.Stat(path); err != nil {
		t.Skip("no /dev/fd here")
	}
	_, advice, err := Load(path)
	if err != nil || len(advice) != 0 {
		t.Errorf("%q, %v", advice, err)
	}
}

// leaks fails if text shows a run of the material of keys made by siv, in any common spelling.
func leaks(t *testing.T, name, text string) {
	t.Helper()
	raw, _ := base64.StdEncoding.DecodeString(material64)
	for _, run := range []string{
		material64[8:20], material64[60:72],
		fmt.Sprintf("%x", raw[20:26]), fmt.Sprintf("%X", raw[20:26]),
		strings.Trim(fmt.Sprint(raw[20:26]), "[]"), string(raw[40:46]), "0x15, 0x16",
	} {
		if strings.Contains(text, run) {
			t.Errorf("%s shows key material %q: %s", name, run, text)
		}
	}
}

func TestRedacted(t *testing.T) {
	k := load(t, write(t, set(1, siv(1, "ENABLED"))))
	holder := struct {
		Exported  Keyset
		unexposed Keyset
		pointer   *Keyset
	}{*k, *k, k}
	for _, v := range []any{k, *k, holder, &holder, []Keyset{*k}, map[string]*Keyset{"k": k}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			leaks(t, verb, fmt.Sprintf(verb, v))
		}
		text, err := json.Marshal(v)
		must(t, err)
		leaks(t, "json", string(text))
	}
	if got := fmt.Sprintf("%+v|%#v", k, k); got != "keyset of 1 keys, primary 1|keyset of 1 keys, primary 1" {
		t.Error(got)
	}
	// leaks itself must see what it looks for.
	if !regexp.MustCompile(`0x15, 0x16`).MatchString(fmt.Sprintf("%#v", k.set.GetKey()[0].GetKeyData().GetValue())) {
		t.Error("the test looks for the wrong bytes")
	}
}

func TestDefaultPath(t *testing.T) {
	t.Setenv("XDG_CONFIG_HOME", "/somewhere")
	if runtime.GOOS != "linux" {
		t.Skip("the variable is Linux's")
	}
	if path, err := DefaultPath(); err != nil || path != "/somewhere/quern/keyset.json" {
		t.Errorf("%s, %v", path, err)
	}
	t.Setenv("XDG_CONFIG_HOME", "")
	t.Setenv("HOME", "")
	if _, err := DefaultPath(); !errors.Is(err, ErrMissing) {
		t.Errorf("%v, want ErrMissing", err)
	}
}
