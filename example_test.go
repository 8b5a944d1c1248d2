package quern_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"quern"
)

// The embedded recipe over the repository's sample.
func Example() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)

	keys, err := quern.CreateKeyset(filepath.Join(dir, "keyset.json")) // once; afterwards OpenKeyset
	if err != nil {
		log.Fatal(err)
	}
	m, err := quern.Run(context.Background(), quern.Job{
		Inputs: []string{"examples/sample.ndjson"},
		Output: filepath.Join(dir, "tables"),
		Keys:   keys,
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(m.Counts.Read, "read,", m.Counts.Kept, "kept,", m.Counts.Duplicates, "duplicates")
	for _, t := range m.Tables {
		fmt.Println(t.File.File, t.Rows)
	}
	// Output:
	// 1000 read, 994 kept, 6 duplicates
	// users.parquet 994
	// widgets.parquet 1473
	// country_index.parquet 115
	// duplicates.parquet 6
	// rejects.parquet 0
}

// A recipe for records of one's own, a line of which is no record.
func ExampleParseRecipe() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	input := filepath.Join(dir, "orders.ndjson")
	err = os.WriteFile(input, []byte(`{"id": 1, "buyer": {"mail": "a@example.com"}, "total": "12.50"}
{"id": 2, "buyer": {"mail": "b@example.com"}, "total": 7}
{"id": 2, "buyer": {"mail": "b@example.com"}, "total": 7.00}
{"id": 3, "total": "cheap"}
`), 0o600)
	if err != nil {
		log.Fatal(err)
	}

	recipe, err := quern.ParseRecipe("orders", []byte(`
version: 1
fields:
  id: {type: int64, required: true}
  buyer.mail: {type: string, pseudonymise: true}
  total: decimal(9,2)
dedupe: {key: [id]}
table: {name: orders}
`))
	if err != nil {
		log.Fatal(err)
	}
	keys, err := quern.CreateKeyset(filepath.Join(dir, "keyset.json"))
	if err != nil {
		log.Fatal(err)
	}
	job := quern.Job{Inputs: []string{input}, Output: filepath.Join(dir, "out"), Recipe: recipe, RecipeName: "orders", Keys: keys}

	_, err = quern.Run(context.Background(), job)
	fmt.Println("too many rejects:", errors.Is(err, quern.ErrRejects))

	job.MaxRejects = quern.Limit{Count: 10}
	m, err := quern.Run(context.Background(), job)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("kept:", m.Counts.Kept, "of", m.Counts.Read)
	fmt.Println("rejected:", m.Rejects)
	fmt.Println("columns:", m.Tables[0].Schema)
	// Output:
	// too many rejects: true
	// kept: 2 of 4
	// rejected: map[invalid_number:1]
	// columns: [{id INT64 false} {buyer_mail_anon STRING true} {total DECIMAL(9, 2) true}]
}
