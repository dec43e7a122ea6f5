// Package browser opens HTML reports in a real Chromium, to see that they work
// there: no error, nothing fetched, hostile text stays text, filters and zoom do
// what they say, and ten thousand findings are fine. It is a module of its own,
// so that the product's stays free of the driver.
//
// It needs a Chromium: chromium in the PATH, or CHROMIUM naming one. With
// TRAILBLAME_SHOTS=DIR the screenshots go there.
package browser
