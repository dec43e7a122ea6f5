package correlate

import (
	"github.com/trailblame/trailblame/ingest"
	"github.com/trailblame/trailblame/query"
)

// What correlation reads of events: what was asked for and by whom, and what is
// said of a refusal.
var (
	callColumns = []ingest.Column{
		ingest.EventSource, ingest.EventName, ingest.AWSRegion,
		ingest.SourceIPAddress, ingest.VPCEndpointID, ingest.Addendum,
		ingest.RequestParameters, ingest.ResponseElements, ingest.AdditionalEventData, ingest.Resources,
		ingest.UserType, ingest.UserPrincipalID, ingest.UserARN, ingest.UserAccountID, ingest.UserAccessKeyID,
		ingest.UserName, ingest.UserInvokedBy, ingest.UserIdentityProvider,
		ingest.SessionSourceIdentity, ingest.SessionMFAAuthenticated, ingest.IssuerARN,
	}

	successes = query.NewProjection(callColumns...)
	refusals  = projection(ingest.ErrorCode, ingest.ErrorMessage, ingest.SharedEventID, ingest.UserAgent, ingest.EventCategory)
	changes   = projection(ingest.ErrorCode, ingest.ErrorMessage, ingest.SharedEventID)
)

func projection(more ...ingest.Column) *query.Projection {
	return query.NewProjection(append(callColumns[:len(callColumns):len(callColumns)], more...)...)
}
