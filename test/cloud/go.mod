module quern/test/cloud

go 1.26.0
