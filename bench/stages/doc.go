// Package stages holds the benchmarks of the program's work as its users meet
// it: reading a trail, each shape of query, a correlation. What is inside one
// stage is measured in the stage's own package.
package stages
