package spark

import _ "embed"

// Driver is the driver program, which spark-submit runs.
//
//go:embed driver.py
var Driver []byte
