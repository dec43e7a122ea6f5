package main

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/trailblame/trailblame/correlate"
)

func (a *app) playbooksCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "playbooks",
		Short:   "List the playbooks, show one, or validate one of your own",
		Example: "  trailblame playbooks\n  trailblame playbooks show codecommit-push-denied\n  trailblame playbooks validate ./mine.yaml",
		Args:    cobra.NoArgs,
		RunE:    func(*cobra.Command, []string) error { return a.listPlaybooks() },
	}
	cmd.AddCommand(
		&cobra.Command{
			Use: "list", Short: "List the playbooks", Args: usageArgs(cobra.NoArgs),
			Example: "  trailblame playbooks list",
			RunE:    func(*cobra.Command, []string) error { return a.listPlaybooks() },
		},
		&cobra.Command{
			Use: "show ID", Short: "Print a bundled playbook", Args: usageArgs(cobra.ExactArgs(1)),
			Example: "  trailblame playbooks show codecommit-push-denied > mine.yaml",
			ValidArgsFunction: func(_ *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
				if len(args) > 0 {
					return nil, cobra.ShellCompDirectiveNoFileComp
				}
				return beginning(playbookIDs(), prefix), cobra.ShellCompDirectiveNoFileComp
			},
			RunE: func(_ *cobra.Command, args []string) error { return a.showPlaybook(args[0]) },
		},
		&cobra.Command{
			Use: "validate FILE...", Short: "Check playbooks of your own", Args: usageArgs(cobra.MinimumNArgs(1)),
			Example: "  trailblame playbooks validate ./mine.yaml",
			RunE:    func(_ *cobra.Command, args []string) error { return a.validatePlaybooks(args) },
		},
	)
	return cmd
}

// usageArgs makes what a check of arguments finds a usage error.
func usageArgs(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return usagef("%w; see trailblame help %s", err, cmd.CommandPath()[len("trailblame "):])
		}
		return nil
	}
}

func (a *app) listPlaybooks() error {
	books, err := correlate.Playbooks()
	if err != nil {
		return err
	}
	out := bufio.NewWriter(a.stdout)
	t := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	for _, p := range books {
		fmt.Fprintf(t, "%s\t%s\n", p.ID, p.Title)
	}
	return cmp.Or(t.Flush(), out.Flush())
}

func (a *app) showPlaybook(id string) error {
	text, err := correlate.PlaybookSource(id)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrInvalid) {
		return usagef("no playbook %s; trailblame playbooks lists them", id)
	}
	if err != nil {
		return err
	}
	_, err = a.stdout.Write(text)
	return err
}

func (a *app) validatePlaybooks(files []string) error {
	bad := 0
	for _, name := range files {
		p, err := openPlaybook(name)
		if err != nil {
			a.complain("%v", err)
			bad++
			continue
		}
		if _, err := fmt.Fprintf(a.stdout, "%s: %s is valid\n", safe(name), p.ID); err != nil {
			return err
		}
	}
	if bad > 0 {
		return &silentError{exitFailed}
	}
	return nil
}

func openPlaybook(name string) (*correlate.Playbook, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return correlate.LoadPlaybook(name, f)
}

// loadPlaybooks returns the playbooks that were asked for: a bundled one by its
// id, any other as a file. None asked for means nil, all bundled ones.
func loadPlaybooks(names []string) ([]*correlate.Playbook, error) {
	if len(names) == 0 {
		return nil, nil
	}
	bundled, err := correlate.Playbooks()
	if err != nil {
		return nil, err
	}
	var books []*correlate.Playbook
next:
	for _, name := range names {
		for _, p := range bundled {
			if p.ID == name {
				books = append(books, p)
				continue next
			}
		}
		p, err := openPlaybook(name)
		if errors.Is(err, fs.ErrNotExist) && !strings.ContainsAny(name, "./\\") {
			return nil, usagef("--playbook %s: neither a bundled playbook nor a file; trailblame playbooks lists the bundled ones", name)
		}
		if err != nil {
			return nil, err
		}
		books = append(books, p)
	}
	return books, nil
}
