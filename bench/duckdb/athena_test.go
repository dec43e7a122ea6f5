package duckdb

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// everything is a trail with what the bundled ones lack: all members of the
// identity, addenda, and resources of any shape.
const everything = `{"eventVersion":"1.11","eventID":"e0000000-0000-4000-8000-000000000001","eventTime":"2026-03-01T10:00:00Z","eventSource":"s3.amazonaws.com","eventName":"A","awsRegion":"us-east-1","readOnly":true,"managementEvent":false,"recipientAccountId":"011122223333","userIdentity":{"type":"AssumedRole","principalId":"AROA:s","arn":"arn:aws:sts::011122223333:assumed-role/r/s","accountId":"011122223333","accessKeyId":"ASIA","userName":"u","invokedBy":"x.amazonaws.com","identityProvider":"p","onBehalfOf":{"userId":"o","identityStoreArn":"arn:store"},"sessionContext":{"attributes":{"mfaAuthenticated":"true","creationDate":"2026-03-01T09:00:00Z"},"sessionIssuer":{"type":"Role","principalId":"AROA","arn":"arn:aws:iam::011122223333:role/r","accountId":"011122223333","userName":"r"},"ec2RoleDelivery":"2.0","webIdFederationData":{"federatedProvider":"accounts.example","attributes":{"sub":"1","aud":"2"}}}},"resources":[{"ARN":"arn:aws:s3:::b","accountId":"011122223333","type":"AWS::S3::Bucket"},{"ARNPrefix":"arn:aws:s3:::c/"}],"tlsDetails":{"tlsVersion":"TLSv1.3","cipherSuite":"c","clientProvidedHostHeader":"h"},"sourceIPAddress":"192.0.2.1","requestParameters":{"bucketName":"b"},"addendum":{"reason":"UPDATED_DATA","updatedFields":"responseElements","originalRequestID":"R","originalEventID":"E"}}
{"eventVersion":"1.08","eventID":"e0000000-0000-4000-8000-000000000002","eventTime":"2026-03-02T10:00:00Z","eventSource":"s3.amazonaws.com","eventName":"B","resources":"no list"}
{"eventVersion":"1.08","eventID":"e0000000-0000-4000-8000-000000000003","eventTime":"2026-03-02T11:00:00Z","eventSource":"s3.amazonaws.com","eventName":"C","resources":{"ARN":"no list either"}}
{"eventVersion":"1.08","eventID":"e0000000-0000-4000-8000-000000000004","eventTime":"2026-03-02T12:00:00Z","eventSource":"s3.amazonaws.com","eventName":"D","resources":[]}
{"eventVersion":"1.08","eventID":"e0000000-0000-4000-8000-000000000005","eventSource":"s3.amazonaws.com","eventName":"no time","resources":null}
`

func withEverything(t *testing.T) []string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "everything.json")
	if err := os.WriteFile(name, []byte(everything), 0o600); err != nil {
		t.Fatal(err)
	}
	return append(bundled(t), name)
}

// The columns of Athena's table are those that DuckDB finds in the files.
func TestAthenaColumns(t *testing.T) {
	db, index := open(t, withEverything(t)...)
	script := trailblame(t, "connect", "--index", index, "--athena", "s3://bucket/trail.index")
	ddl, _, _ := strings.Cut(script, ";")
	var got []string
	for _, m := range regexp.MustCompile("(?m)^  `([a-z0-9_]+)` (.*?),?$").FindAllStringSubmatch(ddl, -1) {
		got = append(got, m[1]+" "+m[2])
	}
	rows, err := db.Query("SELECT column_name, column_type FROM (DESCRIBE SELECT * EXCLUDE (date) FROM trailblame_events)")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var want []string
	for rows.Next() {
		var name, typ string
		if err := rows.Scan(&name, &typ); err != nil {
			t.Fatal(err)
		}
		want = append(want, name+" "+hiveName(typ))
	}
	slices.Sort(got)
	slices.Sort(want)
	if len(want) < 30 || !slices.Equal(got, want) {
		t.Errorf("DDL:\n%s\nfiles:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for _, property := range []string{"'projection.date.type' = 'enum'", "'projection.date.values' = 'unknown,2026-03-01,", "LOCATION 's3://bucket/trail.index/events/'",
		"'storage.location.template' = 's3://bucket/trail.index/events/date=${date}/'"} {
		if !strings.Contains(ddl, property) {
			t.Errorf("no %s in\n%s", property, ddl)
		}
	}
}

// hiveName spells a type of DuckDB as Hive does.
func hiveName(typ string) string {
	typ = regexp.MustCompile(`"?(\w+)"? (VARCHAR|JSON|BOOLEAN|STRUCT)`).ReplaceAllString(typ, "$1:$2")
	return strings.NewReplacer("STRUCT(", "struct<", ")", ">", ", ", ",", "VARCHAR", "string", "JSON", "string",
		"TIMESTAMP WITH TIME ZONE", "timestamp", "BOOLEAN", "boolean", "INTEGER", "int", "BLOB", "binary").Replace(typ)
}

// The views for Athena say of every event what those for DuckDB say. They are
// run by DuckDB, with the few names that differ put in its words; so this checks
// what the views mean, and not that Athena takes their syntax.
func TestAthenaViews(t *testing.T) {
	db, index := open(t, withEverything(t)...)
	script := trailblame(t, "connect", "--index", index, "--athena", "s3://bucket/trail.index")
	_, views, ok := strings.Cut(script, ";")
	if !ok {
		t.Fatal(script)
	}
	for _, statement := range []string{
		"SET lambda_syntax = 'ENABLE_SINGLE_ARROW'",
		"CREATE SCHEMA athena", "ALTER VIEW trailblame_events RENAME TO files",
		"CREATE VIEW athena.trailblame_events AS SELECT * REPLACE (event_time::TIMESTAMP AS event_time) FROM main.files",
		"CREATE VIEW trailblame_events AS SELECT * FROM files",
		"CREATE MACRO date_format(t, f) AS strftime(t, replace(replace(f, '%i', '%M'), '%s', '%S'))",
		"CREATE MACRO json_parse(x) AS x::JSON", "CREATE MACRO json_extract_scalar(j, p) AS json_extract_string(j, p)",
		strings.NewReplacer("VIEW ", "VIEW athena.", "FROM trailblame_events", "FROM athena.trailblame_events",
			"transform(", "list_transform(", "ARRAY(JSON)", "JSON[]").Replace(views),
	} {
		if _, err := db.Exec(statement); err != nil {
			t.Fatalf("%.300s: %v", statement, err)
		}
	}
	for view, key := range map[string]string{"aws_cloudtrail_log": "event_id", "cloudtrail_logs": "eventid"} {
		columns := list(t, db, fmt.Sprintf("SELECT column_name FROM (DESCRIBE %s)", view))
		if len(columns) < 30 {
			t.Fatalf("%s: %v", view, columns)
		}
		events := one(t, db, "SELECT count(*) FROM "+view)
		if same := one(t, db, fmt.Sprintf("SELECT count(*) FROM %s JOIN athena.%s USING (%s)", view, view, key)); same != events {
			t.Errorf("%s: %s of %s events", view, same, events)
		}
		for _, c := range columns {
			query := fmt.Sprintf(`SELECT count(*) FROM %s a JOIN athena.%s b USING (%s) WHERE a."%s"::VARCHAR IS DISTINCT FROM b."%s"::VARCHAR`, view, view, key, c, c)
			if n := one(t, db, query); n != "0" {
				t.Errorf("%s.%s differs in %s events", view, c, n)
			}
		}
	}
}

func list(t *testing.T, db *sql.DB, query string) (values []string) {
	t.Helper()
	rows, err := db.Query(query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	for rows.Next() {
		var v string
		if err := rows.Scan(&v); err != nil {
			t.Fatal(err)
		}
		values = append(values, v)
	}
	return values
}

// Every column that Tailpipe's table has, but for those that only its own
// collection can tell, is there with its type; and every column and member that
// Athena's documentation of CloudTrail tables names.
func TestDocumentedColumns(t *testing.T) {
	db, _ := open(t, withEverything(t)...)
	text := func(names string) (list []string) {
		for name := range strings.FieldsSeq(names) {
			list = append(list, name+" VARCHAR")
		}
		return list
	}
	tailpipe := append(text(`api_version aws_region error_code error_message event_category event_id event_name event_source event_type
		event_version recipient_account_id request_id session_credential_from_console shared_event_id source_ip_address user_agent
		vpc_endpoint_id tp_index tp_source_ip tp_source_location
		tls_details.cipher_suite tls_details.client_provided_host_header tls_details.tls_version
		user_identity.access_key_id user_identity.account_id user_identity.arn user_identity.identity_provider user_identity.invoked_by
		user_identity.principal_id user_identity.type user_identity.user_name user_identity.session_context.attributes.creation_date
		user_identity.session_context.attributes.mfa_authenticated user_identity.session_context.ec2_role_delivery
		user_identity.session_context.session_issuer.account_id user_identity.session_context.session_issuer.arn
		user_identity.session_context.session_issuer.principal_id user_identity.session_context.session_issuer.type
		user_identity.session_context.session_issuer.user_name user_identity.session_context.web_id_federation_data.federated_provider`),
		"additional_event_data JSON", "edge_device_details JSON", "request_parameters JSON", "resources JSON", "response_elements JSON",
		"service_event_details JSON", "user_identity.session_context.web_id_federation_data.attributes JSON", "event_time TIMESTAMP",
		"management_event BOOLEAN", "read_only BOOLEAN", "tp_timestamp TIMESTAMP", "tp_date DATE", "tp_ips VARCHAR[]", "tp_usernames VARCHAR[]", "tp_akas VARCHAR[]")
	athena := append(text(`eventversion eventtime eventsource eventname awsregion sourceipaddress useragent errorcode errormessage requestparameters
		responseelements additionaleventdata requestid eventid readonly eventtype apiversion recipientaccountid serviceeventdetails sharedeventid
		vpcendpointid vpcendpointaccountid eventcategory sessioncredentialfromconsole edgedevicedetails timestamp
		useridentity.type useridentity.principalid useridentity.arn useridentity.accountid useridentity.invokedby useridentity.accesskeyid
		useridentity.username useridentity.onbehalfof.userid useridentity.onbehalfof.identitystorearn
		useridentity.sessioncontext.attributes.mfaauthenticated useridentity.sessioncontext.attributes.creationdate
		useridentity.sessioncontext.sessionissuer.type useridentity.sessioncontext.sessionissuer.principalid
		useridentity.sessioncontext.sessionissuer.arn useridentity.sessioncontext.sessionissuer.accountid
		useridentity.sessioncontext.sessionissuer.username useridentity.sessioncontext.ec2roledelivery
		useridentity.sessioncontext.webidfederationdata.federatedprovider addendum.reason addendum.updatedfields
		addendum.originalrequestid addendum.originaleventid tlsdetails.tlsversion tlsdetails.ciphersuite tlsdetails.clientprovidedhostheader`),
		"useridentity.sessioncontext.webidfederationdata.attributes MAP(VARCHAR, VARCHAR)", "resources STRUCT(arn VARCHAR, accountid VARCHAR, \"type\" VARCHAR)[]")
	for view, columns := range map[string][]string{"aws_cloudtrail_log": tailpipe, "cloudtrail_logs": athena} {
		for _, c := range columns {
			name, want, _ := strings.Cut(c, " ")
			if got := one(t, db, `SELECT typeof(`+name+`) FROM `+view+` LIMIT 1`); got != want {
				t.Errorf("%s.%s is %s, want %s", view, name, got, want)
			}
		}
	}
	const first = " FROM cloudtrail_logs WHERE eventname = 'A'"
	for query, want := range map[string]string{
		"SELECT addendum.originaleventid" + first:                                                  "E",
		"SELECT useridentity.sessioncontext.webidfederationdata.attributes['aud']" + first:         "2",
		"SELECT len(resources)" + first:                                                            "2",
		"SELECT count(*) FROM cloudtrail_logs WHERE eventname = 'B' AND resources IS NULL":         "1",
		"SELECT recipientaccountid" + first:                                                        "011122223333",
		"SELECT count(*) FROM aws_cloudtrail_log WHERE event_name = 'no time' AND tp_date IS NULL": "1",
	} {
		if got := one(t, db, query); got != want {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
}
