// Command quern grinds NDJSON into clean Parquet tables.
package main

import (
	"os"

	"quern/internal/cli"
)

func main() {
	os.Exit(cli.Main(os.Args[1:], cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
}
