// Compare measures the product beside DuckDB doing the same work and beside
// gunzip alone: on the same trail, on the same cores, in one run, in turns. It
// writes the table into bench/README.md.
//
//	go run ./bench/compare            the side-by-side table
//	go run ./bench/compare -scale     cost and memory by the size of the trail
//
// Figures of single runs on shared machines say little; the ratios between what
// ran in turns say more, so each contestant runs several times, the table gives
// the median, and the spread stands beside it.
package main
