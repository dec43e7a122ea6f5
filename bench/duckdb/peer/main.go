// Peer does with DuckDB what the product is compared with: a trail to Parquet,
// and one needle out of that Parquet. It is run by bench/compare.
//
//	peer same TRAIL OUT         one row per eventID, sorted by time, a folder a day
//	peer copy TRAIL OUT         the records as they come, into one file
//	peer find OUT COLUMN VALUE  the rows of OUT, made by same, that have VALUE
package main

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	_ "github.com/duckdb/duckdb-go/v2"
)

// record is the explicit schema: the columns that the product keeps, nested
// JSON of the services as JSON.
const record = `STRUCT(
  eventVersion VARCHAR,
  userIdentity STRUCT("type" VARCHAR, principalId VARCHAR, arn VARCHAR, accountId VARCHAR, accessKeyId VARCHAR,
    userName VARCHAR, invokedBy VARCHAR, identityProvider VARCHAR, credentialId VARCHAR,
    onBehalfOf STRUCT(userId VARCHAR, identityStoreArn VARCHAR),
    sessionContext STRUCT(
      sessionIssuer STRUCT("type" VARCHAR, principalId VARCHAR, arn VARCHAR, accountId VARCHAR, userName VARCHAR),
      attributes STRUCT(creationDate VARCHAR, mfaAuthenticated VARCHAR),
      webIdFederationData JSON, sourceIdentity VARCHAR, ec2RoleDelivery VARCHAR)),
  eventTime TIMESTAMP, eventSource VARCHAR, eventName VARCHAR, awsRegion VARCHAR, sourceIPAddress VARCHAR,
  userAgent VARCHAR, errorCode VARCHAR, errorMessage VARCHAR, requestParameters JSON, responseElements JSON,
  additionalEventData JSON, requestID VARCHAR, eventID VARCHAR, readOnly BOOLEAN, resources JSON, eventType VARCHAR,
  apiVersion VARCHAR, managementEvent BOOLEAN, recipientAccountId VARCHAR, serviceEventDetails JSON,
  sharedEventID VARCHAR, vpcEndpointId VARCHAR, vpcEndpointAccountId VARCHAR, eventCategory VARCHAR, addendum JSON,
  eventContext JSON, edgeDeviceDetails JSON, sessionCredentialFromConsole VARCHAR,
  tlsDetails STRUCT(tlsVersion VARCHAR, cipherSuite VARCHAR, clientProvidedHostHeader VARCHAR))`

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "peer:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) < 3 {
		return fmt.Errorf("usage: peer same|copy TRAIL OUT, peer find OUT COLUMN VALUE")
	}
	db, err := sql.Open("duckdb", "")
	if err != nil {
		return err
	}
	defer db.Close()
	for _, s := range []string{"SET threads = 2", "SET preserve_insertion_order = false"} {
		if _, err := db.Exec(s); err != nil {
			return err
		}
	}
	switch args[0] {
	case "same":
		return copyTo(db, args[1], `SELECT *, eventTime::DATE AS date FROM records
			QUALIFY row_number() OVER (PARTITION BY eventID) = 1 ORDER BY eventTime`,
			args[2], "FORMAT parquet, COMPRESSION zstd, PARTITION_BY (date)")
	case "copy":
		return copyTo(db, args[1], "SELECT * FROM records", args[2], "FORMAT parquet, COMPRESSION zstd")
	case "find":
		return find(db, args[1:])
	}
	return fmt.Errorf("%s: no such work", args[0])
}

func copyTo(db *sql.DB, trail, query, out, options string) error {
	files := filepath.Join(trail, "**", "*.json.gz")
	_, err := db.Exec(fmt.Sprintf(`COPY (WITH records AS (
		SELECT unnest(Records, max_depth := 2) FROM read_json(%s, columns = {Records: %s},
			format = 'unstructured', maximum_object_size = 268435456)
		) %s) TO %s (%s)`, quote(files), quote(record+"[]"), query, quote(out), options))
	return err
}

func find(db *sql.DB, args []string) error {
	if len(args) != 3 {
		return fmt.Errorf("usage: peer find OUT COLUMN VALUE")
	}
	files := filepath.Join(args[0], "**", "*.parquet")
	rows, err := db.Query(fmt.Sprintf(`SELECT r::JSON::VARCHAR FROM read_parquet(%s, hive_partitioning = true) AS r
		WHERE %s = ? ORDER BY eventTime`, quote(files), args[1]), args[2])
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return err
		}
		fmt.Println(text)
	}
	return rows.Err()
}

func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
