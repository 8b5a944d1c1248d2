package spark

import (
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

//go:embed submit.sh
var submitScript []byte

//go:embed export.txt
var exportReadme []byte

// Export writes the driver program, the binary, and a script that submits them, into a new folder.
func Export(dir, binary string) error {
	err := os.Mkdir(dir, 0o755)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s exists; name a folder that is to be made", dir)
	}
	if err != nil {
		return err
	}
	return errors.Join(os.WriteFile(filepath.Join(dir, "driver.py"), Driver, 0o644), os.WriteFile(filepath.Join(dir, "submit"), submitScript, 0o755),
		os.WriteFile(filepath.Join(dir, "README"), exportReadme, 0o644), copyFile(filepath.Join(dir, "quern"), binary))
}
