// Package publish makes a directory of files appear under its final name at once, or not at all.
//
// Files are written to a staging root beside the target, hence on the same file system:
//
//	.NAME.quern-1a2b3c4d/   mode 0700
//	    lock                held (flock) by the run for as long as it lives
//	    out/                becomes the target
//	    old/                the former output, for the moment between two renames where one cannot do
//
// Publish flushes out/ to the disk and then renames it to the target; a former output there is exchanged in the
// same call and removed afterwards. Killed at any instant, a run leaves the old output or the new one, and a
// staging root whose lock is free. The next Begin for the same target removes such roots, and puts old/ back if
// there is no target.
//
// One system call does the replacing on Linux and macOS, on file systems that can. Elsewhere it takes two, and
// between them the target is missing: killed right there, a run leaves the old output to the next Begin.
package publish

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Errors that callers tell apart; they come wrapped in what to do.
var (
	// ErrExists: the target has something in it and Options did not allow to replace it.
	ErrExists = errors.New("output exists")

	// ErrForeign: the target is something that quern did not make, and that it therefore never replaces.
	ErrForeign = errors.New("not an output of quern")
)

// Options says what Begin and Publish may do.
type Options struct {
	// Overwrite allows to replace a former output of quern: a directory whose manifest.json names quern as its
	// tool. Nothing else that is not empty is ever replaced.
	Overwrite bool
}

// Staging is an output that nobody sees yet. Create may be called from several goroutines; the others may not.
type Staging struct {
	target  string // absolute, no symbolic link itself
	options Options
	root    *root
	parents []string // made by Begin, deepest first
	done    bool     // published or aborted
}

// Begin makes the staging directory for target, and the directories above it that are missing. A symbolic link is
// followed to what it names. Remains of dead runs to the same target are cleaned up first.
//
// Errors: ErrExists and ErrForeign, before anything is written; else why the parent directory cannot be written to.
func Begin(target string, o Options) (*Staging, error) {
	target, err := resolve(target)
	if err != nil {
		return nil, err
	}
	s := &Staging{target: target, options: o}
	if err := s.begin(); err != nil {
		s.removeParents()
		return nil, err
	}
	return s, nil
}

func (s *Staging) begin() (err error) {
	if s.parents, err = makeParents(s.target); err != nil {
		return err
	}
	if err := cleanUp(s.target); err != nil {
		return err
	}
	if _, err := inspect(s.target, s.options); err != nil {
		return err
	}
	if s.root, err = newRoot(s.target); err != nil {
		return fmt.Errorf("cannot stage the output beside %s, where it must be possible to write: %w", s.target, err)
	}
	return nil
}

// Dir is the directory to write to. All that is in it at Publish is the output.
func (s *Staging) Dir() string { return s.root.out() }

// Create makes a new file of the output, and the directories in its name, which is relative to Dir and uses
// slashes. The caller closes it before Publish; Publish flushes it to the disk.
func (s *Staging) Create(name string) (*File, error) {
	local, err := filepath.Localize(name)
	if err != nil {
		return nil, fmt.Errorf("%q cannot be the name of an output file: %w", name, err)
	}
	path := filepath.Join(s.Dir(), local)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return nil, err
	}
	return &File{File: f}, nil
}

// Publish makes the output appear under its name, complete and on the disk.
//
// Errors: ErrExists and ErrForeign if the target has come to be in the way since Begin, else what the system says.
// After an error the target is as it was, and Abort is still due; but if it is the last step that fails, flushing
// the parent directory, then the new output is in place and the error says so. A former output that cannot be
// removed afterwards is no error: the next Begin tries again.
func (s *Staging) Publish() error {
	if s.done {
		return errors.New("BUG: publish after publish or abort")
	}
	if err := syncTree(s.Dir()); err != nil {
		return fmt.Errorf("cannot flush the output to the disk: %w", err)
	}
	if err := s.place(); err != nil {
		return err
	}
	s.done = true
	for _, dir := range append([]string{s.target}, s.parents...) {
		if err := syncDir(filepath.Dir(dir)); err != nil {
			s.root.unlock()
			return fmt.Errorf("%s is complete, but may not outlive a power failure: %w", s.target, err)
		}
	}
	_ = s.root.remove()
	return nil
}

// Abort removes all that was staged. After Publish or another Abort it does nothing.
func (s *Staging) Abort() error {
	if s.done {
		return nil
	}
	s.done = true
	if err := s.root.putBack(s.target); err != nil {
		s.root.unlock()
		return err
	}
	err := s.root.remove()
	s.removeParents()
	return err
}

// removeParents removes the directories that Begin made, as far as they are empty.
func (s *Staging) removeParents() {
	for _, dir := range s.parents {
		if os.Remove(dir) != nil {
			return
		}
	}
}
