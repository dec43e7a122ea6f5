// Package policy answers whether a set of AWS policies allows a request, why,
// and what would have to be known to be sure.
//
// # Model
//
// A [Document] is one parsed policy. A [Set] holds all policies that decide
// about one request, layer by layer, and says of every layer whether its list
// is complete. A [Request] is the question: who does what to what, with which
// condition keys. [RequestsFromRecord] reads requests out of CloudTrail
// records. [Evaluate] gives an [Answer]: Allow, Deny or Unknown, with reasons.
//
// Logic is three-valued throughout. A layer that is open, a document whose
// content is not known, a condition key that the record does not show, or a
// statement that this package does not understand are unknown, and make the
// answer Unknown exactly if they could change it. Knowing less never turns an
// answer into a different one, it only turns it into Unknown. A key can be
// present, known to be absent, or unknown; the difference decides, because a
// negated operator holds for an absent key.
//
// A replay asks the same question of several states. [Set.Observed] narrows
// an open set by a success that was seen in it, so that the answer with and
// without one change can be compared although the rest of the policies was
// never seen. [Diff] and [Equal] compare documents by statement.
//
// # Rules
//
// Layers combine as in "Policy evaluation logic": an explicit deny decides;
// SCPs and RCPs need an Allow at every node; within one account identity or
// resource grants, across accounts both. Resource policies that name a user or
// session pass over its boundary and session policies, those that name the
// role do not, and those that name the account only delegate. KMS keys and
// role trust need consent within the account too. SCPs bind neither the
// management account nor service-linked roles nor anonymous callers.
//
// # Sources
//
// The rules are those of the IAM User Guide: "Policy evaluation logic",
// "Permissions boundaries for IAM entities", "AWS JSON policy elements:
// Principal" and "NotPrincipal", "IAM JSON policy elements: Action",
// "Resource", "Condition operators", "Set operators for multivalued context
// keys", "IAM policy elements: Variables and tags", "Identify AWS resources
// with ARNs", "AWS global condition context keys", "Grammar of the IAM JSON
// policy language"; of the Organizations guide on service and resource control
// policies; of the KMS guide on key policies and grants; of the STS reference;
// and of the CodeCommit guide on limiting pushes to branches and on logging
// with CloudTrail.
//
// # Limits
//
//   - Rules outside of policies are not evaluated: S3 Block Public Access and
//     ACLs, the ownership of AWS-managed policies and roles, approval rules.
//   - A value that cannot be read as a number, date, address or ARN makes its
//     condition false, also a negated one; so does a policy variable without
//     a value. AWS documents neither fully.
//   - A key with several values under an operator without ForAllValues or
//     ForAnyValue never matches.
//   - NotPrincipal exempts a caller that is listed itself, by its role or by
//     its account. The guide says some services also deny callers of whom only
//     one of these is listed.
//   - A push of several CodeCommit references is one request for each. AWS
//     does not document how it decides such a push.
//   - Documents are limited to [MaxDocument] bytes and 24 levels; matching is
//     limited in steps. What exceeds a limit is an error or unknown, never a
//     guess.
package policy
