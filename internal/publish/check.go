package publish

import (
	"fmt"
	"os"
	"path/filepath"
)

// Check says whether an output may go to target, with the errors that Begin would have, and whether it would replace a
// former one. Dir is the nearest directory that there is: what it has room for is room for the output. Nothing is
// written.
func Check(target string, o Options) (dir string, replaces bool, err error) {
	target, err = resolve(target)
	if err != nil {
		return "", false, err
	}
	for dir = filepath.Dir(target); ; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		if err == nil && !info.IsDir() {
			return "", false, fmt.Errorf("cannot make %s: %s is no directory", target, dir)
		}
		if err == nil {
			break
		}
		if filepath.Dir(dir) == dir || !os.IsNotExist(err) {
			return "", false, fmt.Errorf("cannot make %s: %w", target, err)
		}
	}
	if _, err := inspect(target, o); err != nil {
		return "", false, err
	}
	if err := writable(dir); err != nil {
		return "", false, fmt.Errorf("cannot stage the output in %s: %w: name another directory", dir, err)
	}
	return dir, isOutput(target), nil
}
