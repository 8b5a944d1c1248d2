package spark

import "testing"

func TestSampleSize(t *testing.T) {
	for _, c := range []struct{ splits, ranges, want int }{
		{0, 1, samples}, {1, 1, samples}, {16, 4, samples}, {80, 20, 134}, {7451, 1863, 33}, {1000000, 1000, 32},
	} {
		if got := sampleSize(c.splits, c.ranges); got != c.want {
			t.Errorf("sampleSize(%d, %d) = %d, want %d", c.splits, c.ranges, got, c.want)
		}
	}
}
