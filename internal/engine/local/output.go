package local

import (
	"encoding/json"
	"fmt"

	"quern/internal/column"
	"quern/internal/core/plan"
	"quern/internal/parquet"
	"quern/internal/parts"
)

// outputs are the tables being written. Each has one file open at a time.
type outputs struct {
	run    *run
	pool   *parquet.Pool
	tables []*parts.Writer
}

func newOutputs(r *run) *outputs {
	r.res.Files = make([]File, len(r.Plan.Tables))
	return &outputs{run: r, pool: parquet.NewPool(r.Workers)}
}

// open creates the files, of tables of parts the first ones.
func (o *outputs) open() error {
	for i := range o.run.Plan.Tables {
		t := &o.run.Plan.Tables[i]
		tokens, err := json.Marshal(t.Tokens(o.run.Plan.Recipe))
		if err != nil {
			return err
		}
		opt := parquet.Options{Pool: o.pool, Profile: o.run.Profile, Compression: o.run.Compression,
			CreatedBy: o.run.CreatedBy, Sorting: t.Sorted}
		if string(tokens) != "null" {
			opt.KeyValues = [][2]string{{plan.TokensKey, string(tokens)}}
		}
		w, err := parts.NewWriter(t.Name+".parquet", &t.Schema, opt, parts.Options{Create: o.run.Create, FileSize: o.run.FileSize})
		if err != nil {
			return err
		}
		o.tables = append(o.tables, w)
	}
	return nil
}

func (o *outputs) write(t int, cols []*column.Vector) error {
	if cols[0].Rows == 0 {
		return nil
	}
	if o.run.Rows != nil {
		o.run.Rows(t, cols)
	}
	if err := o.tables[t].Write(cols); err != nil {
		return fmt.Errorf("write %s.parquet: %w", o.run.Plan.Tables[t].Name, err)
	}
	return nil
}

// close finishes table i and lets go of its buffers.
func (o *outputs) close(i int) error {
	table := &o.run.Plan.Tables[i]
	done, err := o.tables[i].Close()
	if err != nil {
		return fmt.Errorf("write %s.parquet: %w", table.Name, err)
	}
	o.run.res.Files[i] = File{Table: table.Name, File: done.File, Parts: done.Parts, Tokens: table.Tokens(o.run.Plan.Recipe)}
	return nil
}

// abort lets go of everything after a failure.
func (o *outputs) abort() {
	for _, t := range o.tables {
		t.Abort()
	}
	o.pool.Close()
}
