package publish

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// resolve makes target absolute and follows it if it is a symbolic link, so that the link survives and what it
// names is replaced.
func resolve(target string) (string, error) {
	if target == "" {
		return "", errors.New("the output has no name: give a directory")
	}
	abs, err := filepath.Abs(target)
	if err != nil {
		return "", fmt.Errorf("cannot find %s: %w", target, err)
	}
	if info, err := os.Lstat(abs); err == nil && info.Mode()&fs.ModeSymlink != 0 {
		if abs, err = filepath.EvalSymlinks(abs); err != nil {
			return "", fmt.Errorf("%s is a symbolic link that leads nowhere: remove it or name another directory: %w",
				target, err)
		}
	}
	if filepath.Dir(abs) == abs {
		return "", fmt.Errorf("%s is the root of a file system: name a directory in it", target)
	}
	return abs, nil
}

// makeParents makes the missing directories above target, and returns those it made, deepest first, even if it
// fails.
func makeParents(target string) (made []string, err error) {
	var missing []string // deepest first
	for dir := filepath.Dir(target); ; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		if err == nil && !info.IsDir() {
			return nil, fmt.Errorf("cannot make %s: %s is no directory", target, dir)
		}
		if err == nil {
			break
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("cannot make %s: %w", target, err)
		}
		missing = append(missing, dir)
	}
	for _, dir := range slices.Backward(missing) {
		switch err := os.Mkdir(dir, 0o755); {
		case err == nil:
			made = slices.Insert(made, 0, dir)
		case !errors.Is(err, fs.ErrExist): // another run may just have made it
			return made, fmt.Errorf("cannot make the parent directory of %s: %w", target, err)
		}
	}
	return made, nil
}

// inspect says whether an output may go to target, and what is there now: nil for nothing, else a directory that is
// empty or, with Overwrite, a former output.
//
// Errors: ErrExists, ErrForeign, or that the directory there is one that cannot be renamed.
func inspect(target string, o Options) (fs.FileInfo, error) {
	for {
		info, err := os.Lstat(target)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("cannot look at %s: %w", target, err)
		}
		err = admit(target, info, o)
		if err == nil {
			return info, nil
		}
		// Another run may have replaced it under our eyes, which then saw neither the one nor the other. The time
		// is compared too, as the new directory may have the inode of a removed one.
		now, errNow := os.Lstat(target)
		if errNow == nil && os.SameFile(now, info) && now.ModTime().Equal(info.ModTime()) {
			return nil, err
		}
	}
}

// admit says why what is at target, which info describes, is not to be replaced.
func admit(target string, info fs.FileInfo, o Options) error {
	if !info.IsDir() {
		return fmt.Errorf("%s is %w, nor a directory: name another", target, ErrForeign)
	}
	entries, err := os.ReadDir(target)
	if err != nil {
		return fmt.Errorf("cannot look into %s: %w", target, err)
	}
	if ours := isOutput(target); len(entries) > 0 && (!ours || !o.Overwrite) {
		switch {
		case ours:
			return fmt.Errorf("%w: use --overwrite to replace %s, or name another directory", ErrExists, target)
		case o.Overwrite:
			return fmt.Errorf("%s is %w, and is not replaced: name another directory", target, ErrForeign)
		default:
			return fmt.Errorf("%w: %s is not empty: name another directory", ErrExists, target)
		}
	}
	if here, err := os.Stat("."); err == nil && os.SameFile(here, info) {
		return fmt.Errorf("%s is the current directory, which cannot be replaced: name a directory in it", target)
	}
	if parent, err := os.Stat(filepath.Dir(target)); err == nil && mounted(info, parent) {
		return fmt.Errorf("%s is a mount point, which cannot be replaced: name a directory in it", target)
	}
	return nil
}

// maxManifest bounds what isOutput reads of somebody's manifest.json, in bytes.
const maxManifest = 64 << 20

// isOutput says whether dir is an output of quern: its manifest.json, the file that is written last, names quern as
// its tool.
func isOutput(dir string) bool {
	path := filepath.Join(dir, "manifest.json")
	if info, err := os.Lstat(path); err != nil || !info.Mode().IsRegular() {
		return false
	}
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	var manifest struct {
		Tool struct {
			Name string `json:"name"`
		} `json:"tool"`
	}
	return json.NewDecoder(io.LimitReader(f, maxManifest)).Decode(&manifest) == nil && manifest.Tool.Name == "quern"
}
