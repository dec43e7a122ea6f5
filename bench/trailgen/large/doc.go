// Package large writes trails of any size with the shape of real ones.
//
// A trail is a number of days, each made by one worker from the seed and the
// day alone, so that the bytes do not depend on how many workers there are and
// no more than a day's incidents is ever held in memory. Most of a trail is
// noise, appended as text without a value per event; what matters are the
// incidents planted in it, a change of permissions and the denials it causes,
// with a label for each.
package large
