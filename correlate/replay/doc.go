// Package replay rebuilds which policies were in force at an instant from the
// changes that a trail tells of, and answers whether one change made the
// difference for one request.
//
// # Model
//
// A [History] is a list of slots: one inline policy, one attachment, one
// document, one membership. A [Fact] is one write to one slot. The state at an
// instant is the last write to each slot, and the state without a change is
// the last write that the change did not make. Only the slots that can reach
// the request are read: its caller with groups and boundary, its resource with
// grants, its account's organization policies and those of the unit that the
// trail shows it in, its endpoint. The policy that a session was made with is
// read from the call that made it; without that call the session has none.
//
// # What is not known
//
// Before its first write a slot is unknown, unless its owner was made in the
// trail or a [Baseline] tells. Everything unknown is a named hole in a layer.
// The answer for one request narrows holes in two ways, and in no other:
//
//   - A success of the same request shows what the holes of its time did, and
//     that holds for later states as far as they have no other holes.
//   - A denial "because no … policy allows" shows that nothing in that layer
//     allowed, the holes included. A hole that only the state without the
//     change has is not covered by that.
//
// A verdict rests on text that was read: either the documents deny with the
// change, or a document that it took away allows. That something unknown
// vanished is never proof. Where the replay contradicts what the trail shows,
// the replay is wrong and says nothing.
package replay
