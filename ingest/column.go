package ingest

import "bytes"

// Column is a value of a CloudTrail record that has a column of its own in the
// index. The order is part of the segment format (templates name columns by
// number): add at the end, never reorder.
type Column uint8

// Kind says how a column's value stands in the record.
type Kind uint8

// The kinds of columns.
const (
	Text Kind = iota // a JSON string
	Bool             // true or false
	Time             // a string holding an instant
	JSON             // any JSON value, kept as its text
)

// The columns, in the order of CloudTrail's reference of record contents.
const (
	EventVersion Column = iota
	EventTime
	EventSource
	EventName
	AWSRegion
	SourceIPAddress
	UserAgent
	ErrorCode
	ErrorMessage
	RequestParameters
	ResponseElements
	AdditionalEventData
	RequestID
	EventID
	ReadOnly
	Resources
	EventType
	APIVersion
	ManagementEvent
	RecipientAccountID
	SharedEventID
	VPCEndpointID
	VPCEndpointAccountID
	ServiceEventDetails
	EventCategory
	Addendum
	SessionCredentialFromConsole
	EdgeDeviceDetails
	EventContext
	InsightDetails

	UserType
	UserPrincipalID
	UserARN
	UserAccountID
	UserAccessKeyID
	UserName
	UserInvokedBy
	UserIdentityProvider
	UserCredentialID
	UserInScopeOf
	OnBehalfOfUserID
	OnBehalfOfIdentityStoreARN
	DelegateAccountID

	SessionSourceIdentity
	SessionEC2RoleDelivery
	SessionAssumedRoot
	SessionCreationDate
	SessionMFAAuthenticated
	IssuerType
	IssuerPrincipalID
	IssuerARN
	IssuerAccountID
	IssuerUserName
	WebIDFederatedProvider
	WebIDAttributes

	TLSVersion
	TLSCipherSuite
	TLSClientProvidedHostHeader
	TLSKeyExchange

	NumColumns
)

// ColumnInfo describes one column: the JSON path of its value in the record
// and how the value stands there.
type ColumnInfo struct {
	Path []string
	Kind Kind
}

// Columns describes every Column, indexed by it.
var Columns = [NumColumns]ColumnInfo{
	EventVersion:                 {path("eventVersion"), Text},
	EventTime:                    {path("eventTime"), Time},
	EventSource:                  {path("eventSource"), Text},
	EventName:                    {path("eventName"), Text},
	AWSRegion:                    {path("awsRegion"), Text},
	SourceIPAddress:              {path("sourceIPAddress"), Text},
	UserAgent:                    {path("userAgent"), Text},
	ErrorCode:                    {path("errorCode"), Text},
	ErrorMessage:                 {path("errorMessage"), Text},
	RequestParameters:            {path("requestParameters"), JSON},
	ResponseElements:             {path("responseElements"), JSON},
	AdditionalEventData:          {path("additionalEventData"), JSON},
	RequestID:                    {path("requestID"), Text},
	EventID:                      {path("eventID"), Text},
	ReadOnly:                     {path("readOnly"), Bool},
	Resources:                    {path("resources"), JSON},
	EventType:                    {path("eventType"), Text},
	APIVersion:                   {path("apiVersion"), Text},
	ManagementEvent:              {path("managementEvent"), Bool},
	RecipientAccountID:           {path("recipientAccountId"), Text},
	SharedEventID:                {path("sharedEventID"), Text},
	VPCEndpointID:                {path("vpcEndpointId"), Text},
	VPCEndpointAccountID:         {path("vpcEndpointAccountId"), Text},
	ServiceEventDetails:          {path("serviceEventDetails"), JSON},
	EventCategory:                {path("eventCategory"), Text},
	Addendum:                     {path("addendum"), JSON},
	SessionCredentialFromConsole: {path("sessionCredentialFromConsole"), Text},
	EdgeDeviceDetails:            {path("edgeDeviceDetails"), JSON},
	EventContext:                 {path("eventContext"), JSON},
	InsightDetails:               {path("insightDetails"), JSON},

	UserType:                   {path("userIdentity", "type"), Text},
	UserPrincipalID:            {path("userIdentity", "principalId"), Text},
	UserARN:                    {path("userIdentity", "arn"), Text},
	UserAccountID:              {path("userIdentity", "accountId"), Text},
	UserAccessKeyID:            {path("userIdentity", "accessKeyId"), Text},
	UserName:                   {path("userIdentity", "userName"), Text},
	UserInvokedBy:              {path("userIdentity", "invokedBy"), Text},
	UserIdentityProvider:       {path("userIdentity", "identityProvider"), Text},
	UserCredentialID:           {path("userIdentity", "credentialId"), Text},
	UserInScopeOf:              {path("userIdentity", "inScopeOf"), JSON},
	OnBehalfOfUserID:           {path("userIdentity", "onBehalfOf", "userId"), Text},
	OnBehalfOfIdentityStoreARN: {path("userIdentity", "onBehalfOf", "identityStoreArn"), Text},
	DelegateAccountID:          {path("userIdentity", "invokedByDelegate", "accountId"), Text},

	SessionSourceIdentity:   {path("userIdentity", "sessionContext", "sourceIdentity"), Text},
	SessionEC2RoleDelivery:  {path("userIdentity", "sessionContext", "ec2RoleDelivery"), Text},
	SessionAssumedRoot:      {path("userIdentity", "sessionContext", "assumedRoot"), Text},
	SessionCreationDate:     {path("userIdentity", "sessionContext", "attributes", "creationDate"), Text},
	SessionMFAAuthenticated: {path("userIdentity", "sessionContext", "attributes", "mfaAuthenticated"), Text},
	IssuerType:              {path("userIdentity", "sessionContext", "sessionIssuer", "type"), Text},
	IssuerPrincipalID:       {path("userIdentity", "sessionContext", "sessionIssuer", "principalId"), Text},
	IssuerARN:               {path("userIdentity", "sessionContext", "sessionIssuer", "arn"), Text},
	IssuerAccountID:         {path("userIdentity", "sessionContext", "sessionIssuer", "accountId"), Text},
	IssuerUserName:          {path("userIdentity", "sessionContext", "sessionIssuer", "userName"), Text},
	WebIDFederatedProvider:  {path("userIdentity", "sessionContext", "webIdFederationData", "federatedProvider"), Text},
	WebIDAttributes:         {path("userIdentity", "sessionContext", "webIdFederationData", "attributes"), JSON},

	TLSVersion:                  {path("tlsDetails", "tlsVersion"), Text},
	TLSCipherSuite:              {path("tlsDetails", "cipherSuite"), Text},
	TLSClientProvidedHostHeader: {path("tlsDetails", "clientProvidedHostHeader"), Text},
	TLSKeyExchange:              {path("tlsDetails", "keyExchange"), Text},
}

func path(keys ...string) []string { return keys }

// node is a place in the tree of known keys: a column, a group of further
// keys, or both absent.
type node struct {
	id     int    // numbers the nodes of both trees
	token  string // the key with its quotes and colon, as it is mostly spelled
	column Column // NumColumns when the place has no column
	names  bool   // strings below name resources
	depth  int    // keys above it
	keys   map[string]*node
}

// maxNodes is above the number of all nodes.
const maxNodes = 128

// child returns the node of a key, given with its quotes, nil when it has none.
func (n *node) child(token []byte) *node { return n.keys[string(keyText(token))] }

// keyText returns the text of a key given with its quotes.
func keyText(token []byte) []byte {
	if bytes.IndexByte(token, '\\') >= 0 {
		return Unquote(nil, token)
	}
	return token[1 : len(token)-1]
}

// tree is all the known keys of one kind of record.
type tree struct {
	*node
	number  int
	columns [NumColumns]*node // nil where it has none
}

// recordTree and nativeTree tell the decoder what to do with each key.
var (
	recordTree = newTree(0, func(c Column) []string { return Columns[c].Path })
	nativeTree = newNativeTree()
)

// nativePaths places the columns of an EventBridge state change, a delivery
// that is no CloudTrail record but is searched like one.
var nativePaths = map[Column][]string{
	EventID:             path("id"),
	EventName:           path("detail-type"),
	EventSource:         path("source"),
	RecipientAccountID:  path("account"),
	EventTime:           path("time"),
	AWSRegion:           path("region"),
	Resources:           path("resources"),
	ServiceEventDetails: path("detail"),
}

// newNativeTree knows both spellings of a state change: that of the bus, and
// that of notification rules, which hand it on under detailType.
func newNativeTree() *tree {
	t := newTree(1, func(c Column) []string { return nativePaths[c] })
	t.keys["detailType"] = t.keys["detail-type"]
	return t
}

// nodes counts the nodes of the trees.
var nodes int

func newNode(key string) *node {
	nodes++ // maxNodes is an array's length: more nodes do not go unnoticed
	return &node{id: nodes - 1, token: `"` + key + `":`, column: NumColumns, keys: map[string]*node{}}
}

func newTree(number int, pathOf func(Column) []string) *tree {
	root := newNode("")
	t := &tree{node: root, number: number}
	for c := range NumColumns {
		n, keys := root, pathOf(c)
		if len(keys) == 0 {
			continue
		}
		for _, k := range keys {
			next := n.keys[k]
			if next == nil {
				next = newNode(k)
				n.keys[k] = next
			}
			n = next
		}
		n.column, n.depth = c, len(keys)
		t.columns[c] = n
		switch c {
		case RequestParameters, ResponseElements, AdditionalEventData, Resources:
			n.names = true
		}
	}
	return t
}
