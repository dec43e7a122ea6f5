package main

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/trailblame/trailblame/index"
)

// The views of the SQL script: aws_cloudtrail_log with the names and types that
// Tailpipe's table of that name has, cloudtrail_logs with those of the table in
// Athena's documentation.
//
//go:embed connect.sql
var connectViews string

func (a *app) connectCommand() *cobra.Command {
	var trail trailFlags
	var athena string
	cmd := &cobra.Command{
		Use:   "connect",
		Short: "Print the path of a DuckDB script that opens an index, or statements for Athena",
		Long: `Write a DuckDB init script for an index and print its path. It names exactly the
files that the index consists of now, and makes two views over them:
aws_cloudtrail_log and cloudtrail_logs. With --athena print statements that make
a table of a copy of the index in a bucket, and the same views.`,
		Example: `  duckdb --init "$(trailblame connect --index ./march.index)"
  trailblame connect --index ./march.index --athena s3://bucket/march.index > march.sql`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			ix, err := index.Open(trail.dir())
			if err != nil {
				return err
			}
			defer ix.Close()
			for _, w := range ix.Warnings() {
				a.complain("%s", w)
			}
			files, err := ix.EventFiles()
			if err != nil {
				return err
			}
			if len(files) == 0 {
				return fmt.Errorf("%s holds no events yet", trail.dir())
			}
			if athena != "" {
				script, err := athenaScript(athena, ix.Partitions())
				if err == nil {
					_, err = io.WriteString(a.stdout, script)
				}
				return err
			}
			path, err := writeConnectScript(files)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(a.stdout, path)
			return err
		},
	}
	trail.registerIndex(cmd.Flags())
	cmd.Flags().StringVar(&athena, "athena", "", "print statements for Athena, over a copy of the index at this s3://bucket/prefix")
	return cmd
}

// writeConnectScript writes the script into the user's cache folder, under a
// name that depends on the files, so that scripts of other snapshots stay.
func writeConnectScript(files []string) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	dir := filepath.Join(cache, "trailblame")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	script := connectScript(files)
	hash := sha256.Sum256([]byte(script))
	path := filepath.Join(dir, "connect-"+hex.EncodeToString(hash[:8])+".sql")
	temp, err := os.CreateTemp(dir, "connect-*.tmp")
	if err != nil {
		return "", err
	}
	_, err = temp.WriteString(script)
	if closeErr := temp.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(temp.Name(), path)
	}
	if err != nil {
		os.Remove(temp.Name())
		return "", fmt.Errorf("write %s: %w", path, err)
	}
	return path, nil
}

func connectScript(files []string) string {
	quoted := make([]string, len(files))
	for i, f := range files {
		quoted[i] = "  '" + strings.ReplaceAll(f, "'", "''") + "'"
	}
	return "CREATE OR REPLACE VIEW trailblame_events AS SELECT * FROM read_parquet([\n" +
		strings.Join(quoted, ",\n") + "\n], hive_partitioning = true, hive_types = {'date': VARCHAR});\n" + connectViews
}
