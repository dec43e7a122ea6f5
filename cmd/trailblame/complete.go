package main

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/trailblame/trailblame/correlate"
	"github.com/trailblame/trailblame/index"
)

// How words are completed
//
//   - Names come out of the index, that is, from whoever called AWS. Only those are
//     offered that no shell could take for anything but a word.
//   - A shell waits: after completeWithin the names found so far are offered.
//   - Nothing goes wrong aloud. Without an index there is nothing to offer.
const (
	completeWithin = 300 * time.Millisecond
	completeAtMost = 200
	completeLength = 512
)

var errEnough = errors.New("enough")

// completeFlags tells the shell what the flags of a command take.
func (a *app) completeFlags(cmd *cobra.Command) {
	fixed := map[string][]string{
		"color": {"auto", "always", "never"},
		"order": {"time", "-time"},
		"lanes": {"principal", "resource", "none"},
	}
	for flag, words := range fixed {
		if cmd.Flags().Lookup(flag) != nil || cmd.PersistentFlags().Lookup(flag) != nil {
			offer(cmd, flag, func(string) []string { return words })
		}
	}
	if f := cmd.Flags().Lookup("format"); f != nil {
		offer(cmd, "format", func(string) []string { return formatsIn(f.Usage) })
	}
	if cmd.Flags().Lookup("playbook") != nil {
		offer(cmd, "playbook", func(string) []string { return playbookIDs() })
	}
	var filters filterFlags
	filters.list()
	for _, t := range filters.terms {
		if cmd.Flags().Lookup(t.name) != nil && cmd.Flags().Lookup("index") != nil {
			offer(cmd, t.name, func(prefix string) []string {
				dir, _ := cmd.Flags().GetString("index")
				return indexNames((&trailFlags{index: dir}).dir(), t.fields, prefix)
			})
		}
	}
}

// completionExamples shows how the scripts that cobra makes are loaded.
func (a *app) completionExamples(root *cobra.Command) {
	for _, c := range subcommand(root, "completion").Commands() {
		load := "trailblame completion " + c.Name()
		switch c.Name() {
		case "fish":
			load += " | source"
		case "powershell":
			load += " | Out-String | Invoke-Expression"
		default:
			load = "source <(" + load + ")"
		}
		c.Example, c.Long = "  "+load, "Print the script that completes commands, flags, and names out of the index in "+c.Name()+"."
	}
	completion := subcommand(root, "completion")
	completion.Example = "  source <(trailblame completion bash)\n  trailblame completion fish | source"
	completion.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return usagef("no script for %s; want bash, zsh, fish or powershell", args[0])
		}
		return cmd.Help()
	}
	completion.Args = nil
	completion.Short, completion.Long = "Print the script that lets a shell complete words", ""
}

// offer completes the values of a flag.
func offer(cmd *cobra.Command, flag string, words func(prefix string) []string) {
	_ = cmd.RegisterFlagCompletionFunc(flag, func(_ *cobra.Command, _ []string, prefix string) ([]string, cobra.ShellCompDirective) {
		return beginning(words(prefix), prefix), cobra.ShellCompDirectiveNoFileComp
	}) // fails only for a flag that has one already
}

func beginning(words []string, prefix string) []string {
	var list []string
	for _, w := range words {
		if strings.HasPrefix(w, prefix) {
			list = append(list, w)
		}
	}
	return list
}

// formatsIn picks the names of formats out of a flag's help, as in "text, ndjson
// or json (default: …".
func formatsIn(usage string) []string {
	usage, _, _ = strings.Cut(usage, "(")
	var names []string
	for _, word := range strings.FieldsFunc(usage, func(r rune) bool { return r < 'a' || r > 'z' }) {
		switch f := format(word); f {
		case formatText, formatNDJSON, formatJSON, formatCSV, formatMarkdown, formatTimesketch:
			names = append(names, word)
		}
	}
	return names
}

func playbookIDs() []string {
	books, err := correlate.Playbooks()
	if err != nil {
		return nil
	}
	var ids []string
	for _, p := range books {
		ids = append(ids, p.ID)
	}
	return ids
}

// indexNames are the terms of some fields that begin with a prefix, those of the
// latest days first found.
func indexNames(dir string, fields []index.Field, prefix string) []string {
	if !index.Exists(dir) {
		return nil
	}
	ix, err := index.Open(dir)
	if err != nil {
		return nil
	}
	defer ix.Close()
	deadline := time.Now().Add(completeWithin)
	found := map[string]bool{}
	dates := ix.Partitions()
	slices.Reverse(dates)
	for _, date := range dates {
		segments, err := ix.Segments(date)
		if err != nil {
			break
		}
		for _, s := range segments {
			if err := namesIn(s, fields, prefix, found, deadline); err != nil {
				return sorted(found)
			}
		}
	}
	return sorted(found)
}

func namesIn(s *index.Segment, fields []index.Field, prefix string, found map[string]bool, deadline time.Time) error {
	looked := 0
	for _, f := range fields {
		err := s.Terms(f, func(t index.TermCount) bool {
			if strings.HasPrefix(t.Term, prefix) && plainWord(t.Term) {
				found[t.Term] = true
			}
			looked++
			return len(found) < completeAtMost && (looked%256 != 0 || time.Now().Before(deadline))
		})
		switch {
		case err != nil:
			return err
		case len(found) >= completeAtMost || time.Now().After(deadline):
			return errEnough
		}
	}
	return nil
}

func sorted(set map[string]bool) []string {
	list := make([]string, 0, len(set))
	for w := range set {
		list = append(list, w)
	}
	slices.Sort(list)
	return list
}

// plainWord tells whether every shell takes text for one word and nothing else.
func plainWord(text string) bool {
	if text == "" || text[0] == '-' || len(text) > completeLength {
		return false
	}
	for i := range len(text) {
		c := text[i]
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		if !letter && strings.IndexByte("_.:/@+=,-", c) < 0 {
			return false
		}
	}
	return true
}
