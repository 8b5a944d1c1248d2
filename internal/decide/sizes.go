package decide

// sizes says how much of everything there may be, as follows from the budget. Of the budget B, B/2 is for chunks that
// stay in memory, the directory of blocks, and what each rank needs while facts come in. The other half is what one
// stage needs at a time:
//
//	adding     B/8 chunks being filled: one a partition
//	deduping   B/8 drops, one chunk a range of records; B/4 the tables of the workers and smaller partitions
//	ranking    B/8 ranks, one chunk a range; B/8 buckets; B/5 leaves
//	verdicts   B/4 windows
type sizes struct {
	chunk     int   // bytes
	resident  int64 // bytes of chunks that stay
	workers   int   // in parallel
	fan       int   // partitions of keys, and ranges of records: at most
	partBits  uint  // 2^partBits partitions
	rangeBits uint  // 2^rangeBits records a range: at least
	buckets   int   // of a rank: at most, and of a part of it
	keys      int   // of a worker's table
	leaf      int   // items of a leaf
	window    int   // records of a window
	names     int   // groups with a number
	sample    int   // points of a sample
	tops      int   // groups that are described
}

const (
	// MinBudget is what a smaller budget is raised to.
	MinBudget = 64 << 10

	// Chunks: one of 16 KiB holds 600 entries, so that its system calls are a few nanoseconds of each. Larger ones
	// would cost memory where partitions are small.
	minChunk, maxChunk = 512, 16 << 10

	// Partitions: of 10M records, each one's table is in the second cache.
	maxFan = 256
	// Buckets: with 1,024 of them, 100M records need no second round if leaves of 100,000 fit.
	maxBuckets = 1024
	// A range of 64 Ki records takes 512 KiB when it is put in order, in the second cache.
	minRangeBits = 16
	// Groups with a number cost 2 bytes an entry at most.
	maxNames = 4096
	// With 8 points a bucket few are twice as large as they should be.
	pointsPerBucket = 8
	pointSize       = 24
	nameSize        = 16 + tableSlots + 8 + 4
)

func sizesOf(budget int64, workers, ranks int) sizes {
	b := min(max(budget, MinBudget), 1<<50)
	s := sizes{chunk: int(min(max(b/2048, minChunk), maxChunk)), resident: b / 2, tops: maxTops,
		rangeBits: minRangeBits}
	streams := int(min(b/8/int64(s.chunk), maxBuckets))
	s.buckets = streams
	s.fan = floorPower(min(streams, maxFan))
	for 1<<s.partBits < s.fan {
		s.partBits++
	}

	// A worker should have a table and smaller partitions of some use.
	table := int64(64 * s.chunk)
	s.workers = int(min(max(b/4/table, 1), int64(max(workers, 1))))
	table = b/4/int64(s.workers) - int64(s.chunk<<restBits) - dropBatch*16
	s.keys = int(min(table/keptSize, maxTable))
	s.leaf = int(min(b/5/int64(s.workers+1)/leafSize, maxLeaf-maxNames))
	s.window = floorPower(int(min(b/4/int64(8*(ranks+1)), 1<<30)))

	perRank := b / 16 / int64(max(ranks, 1))
	s.names = int(min(max(perRank/2/nameSize, 16), maxNames))
	s.sample = int(min(max(perRank/2/pointSize, 32), int64(pointsPerBucket*s.buckets))) &^ 1
	s.resident -= int64(ranks) * int64(s.names*nameSize+s.sample*pointSize)
	return s
}
