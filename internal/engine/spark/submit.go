package spark

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Submit is how a job gets to a cluster from here.
type Submit struct {
	Master string   // a master's URL; empty: what Spark's own configuration says
	Conf   []string // KEY=VALUE
	Binary string   // quern, for the machines of the cluster
}

// ErrNoSpark is a machine without Spark.
var ErrNoSpark = errors.New("there is no spark-submit in SPARK_HOME/bin or PATH; install Spark (pip install pyspark), or set SPARK_HOME")

// driverOptions are of the driver's Java, which lives for as long as a run and computes nothing: with the quick compiler
// only, and a heap that begins small. What is set by others comes behind them, and counts.
const driverOptions = "-XX:TieredStopAtLevel=1 -XX:-UsePerfData -Xms64m"

// find is the spark-submit of this machine.
func find() (string, error) {
	if home := os.Getenv("SPARK_HOME"); home != "" {
		path := filepath.Join(home, "bin", "spark-submit")
		if _, err := os.Stat(path); err != nil {
			return "", fmt.Errorf("%w (SPARK_HOME is %s)", ErrNoSpark, home)
		}
		return path, nil
	}
	path, err := exec.LookPath("spark-submit")
	if err != nil {
		return "", ErrNoSpark
	}
	return path, nil
}

// Check says whether there is a Spark to submit to, before anything is begun.
func (s *Submit) Check() error { _, err := find(); return err }

// Submitted is a driver that runs.
type Submitted struct {
	*Conn
	dir    string
	link   net.Conn
	ended  chan struct{}
	result error // of the process, once ended is closed
	cancel context.CancelFunc
}

// Start starts a driver and waits until it has a cluster.
func (s *Submit) Start(ctx context.Context) (_ *Submitted, err error) {
	submit, err := find()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "quern-spark-") // mode 0700: who else could speak to the socket
	if err != nil {
		return nil, err
	}
	d := &Submitted{dir: dir, ended: make(chan struct{})}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.Stop())
		}
	}()
	program, binary, socket := filepath.Join(dir, "driver.py"), filepath.Join(dir, "quern"), filepath.Join(dir, "link")
	if err := errors.Join(os.WriteFile(program, Driver, 0o644), copyFile(binary, s.Binary)); err != nil {
		return nil, err
	}
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return nil, err
	}
	defer listener.Close()
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	args := []string{"--name", "quern", "--files", binary}
	if s.Master != "" {
		args = append(args, "--master", s.Master)
	}
	for _, c := range s.Conf {
		args = append(args, "--conf", c)
	}
	life, cancel := context.WithCancel(context.WithoutCancel(ctx))
	d.cancel = cancel
	cmd := exec.CommandContext(life, submit, append(args, program, socket)...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Env = append(os.Environ(), "SPARK_SUBMIT_OPTS="+strings.TrimSpace(driverOptions+" "+os.Getenv("SPARK_SUBMIT_OPTS")))
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDriver, err)
	}
	go func() {
		d.result = cmd.Wait()
		close(d.ended)
		listener.Close()
	}()
	stop := context.AfterFunc(ctx, func() { listener.Close() })
	defer stop()
	if d.link, err = listener.Accept(); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, fmt.Errorf("%w: spark-submit ended before it began:\n%s", ErrDriver, d.tail())
	}
	context.AfterFunc(ctx, func() { d.link.Close() })
	d.Conn, err = Connect(d.link)
	if err != nil && ctx.Err() == nil {
		return nil, fmt.Errorf("%w:\n%s", err, d.tail())
	}
	return d, errors.Join(err, ctx.Err())
}

// Attach takes a driver that has started this process, and speaks on its standard streams.
func Attach(in io.Reader, out io.Writer) (*Submitted, error) {
	c, err := Connect(struct {
		io.Reader
		io.Writer
	}{in, out})
	return &Submitted{Conn: c}, err
}

// Stop ends the driver, with its good-bye if it is still there, and waits for it.
func (d *Submitted) Stop() error {
	if d.Conn != nil {
		_ = d.Conn.End() // it may be gone, which is what is wanted
	}
	if d.link != nil {
		d.link.Close()
	}
	if d.cancel != nil {
		select {
		case <-d.ended:
		case <-time.After(20 * time.Second):
		}
		d.cancel()
		<-d.ended
	}
	if d.dir == "" {
		return nil
	}
	return os.RemoveAll(d.dir)
}

// tail is the end of what Spark wrote.
func (d *Submitted) tail() string {
	select { // it is written by others, who may not be done
	case <-d.ended:
	case <-time.After(5 * time.Second):
	}
	text, _ := os.ReadFile(filepath.Join(d.dir, "log"))
	lines := strings.Split(strings.TrimSpace(string(bytes.ToValidUTF8(text, nil))), "\n")
	return strings.Join(lines[max(0, len(lines)-12):], "\n")
}

func copyFile(to, from string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
