package publish

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// placeAttempts bounds how often place looks again because the target changed between its look and its rename. Each
// time, another run must have published or removed something within microseconds.
const placeAttempts = 16

// exchange swaps two directories in one step, or fails with errors.ErrUnsupported. Tests take it away.
var exchange = exchangeDirs

// place moves the staged directory to the target. Looking and renaming are two steps, but each rename by itself
// fails or can be undone if what it meets is not what the look had found.
func (s *Staging) place() error {
	for attempt := 1; ; attempt++ {
		there, err := inspect(s.target, s.options)
		if err != nil {
			return err
		}
		err = s.placeOver(there)
		if err == nil {
			return nil
		}
		moved := errors.Is(err, fs.ErrExist) || errors.Is(err, fs.ErrNotExist)
		if !moved || attempt == placeAttempts {
			return fmt.Errorf("cannot publish %s: %w", s.target, err)
		}
	}
}

// placeOver is place once it is known what is there: nil for nothing.
func (s *Staging) placeOver(there fs.FileInfo) error {
	if there != nil {
		// Who may read the output was its owner's decision, which outlives it.
		mode := there.Mode() & (fs.ModePerm | fs.ModeSetgid | fs.ModeSticky)
		if err := os.Chmod(s.Dir(), mode|0o700); err != nil {
			return err
		}
	}
	if there != nil && isOutput(s.target) {
		return s.replace()
	}
	return renameDir(s.Dir(), s.target)
}

// errMoved is for place to look again.
var errMoved = fmt.Errorf("another directory has come to be there: %w", fs.ErrExist)

// replace puts the staged directory in the place of a former output, which is under out() or old() afterwards.
func (s *Staging) replace() error {
	err := exchange(s.Dir(), s.target)
	if errors.Is(err, errors.ErrUnsupported) {
		return s.replaceInTwo()
	}
	if err != nil {
		return err
	}
	if isOutput(s.Dir()) {
		return nil
	}
	if err := exchange(s.Dir(), s.target); err != nil {
		s.done = true
		_ = os.Remove(s.root.lock.Path()) // never to be cleaned up
		return fmt.Errorf("a directory that is not quern's was moved from there to %s: %v", s.Dir(), err)
	}
	return errMoved
}

// replaceInTwo is replace by two renames. In between the former output is under old(), from where putBack takes it
// if this run does not get any further.
func (s *Staging) replaceInTwo() error {
	if err := os.RemoveAll(s.root.old()); err != nil { // of an attempt before, since when another run has published
		return err
	}
	if err := renameDir(s.target, s.root.old()); err != nil {
		return err
	}
	err := errMoved
	if isOutput(s.root.old()) {
		err = renameDir(s.Dir(), s.target)
	}
	if err != nil {
		return errors.Join(err, s.root.putBack(s.target))
	}
	return nil
}
