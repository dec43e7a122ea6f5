package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// helpCommand replaces cobra's own, which prints what it is asked about as it is
// and calls an unknown command a success.
func (a *app) helpCommand(root *cobra.Command) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "help [COMMAND...]",
		Short:   "Tell what a command does, with examples",
		Example: "  trailblame help correlate\n  trailblame help playbooks validate",
		RunE: func(_ *cobra.Command, args []string) error {
			about := root
			for _, name := range args {
				next := subcommand(about, name)
				if next == nil {
					return usagef("no command %s; see trailblame help", strings.Join(args, " "))
				}
				about = next
			}
			_, err := fmt.Fprint(a.stdout, a.helpText(about))
			return err
		},
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			about := root
			for _, name := range args {
				if about = subcommand(about, name); about == nil {
					return nil, cobra.ShellCompDirectiveNoFileComp
				}
			}
			var names []string
			for _, c := range visible(about) {
				names = append(names, c.Name()+"\t"+c.Short)
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
	}
	return cmd
}

func subcommand(of *cobra.Command, name string) *cobra.Command {
	for _, c := range of.Commands() {
		if c.Name() == name {
			return c
		}
	}
	return nil
}

// visible are the subcommands that help lists.
func visible(of *cobra.Command) []*cobra.Command {
	var list []*cobra.Command
	for _, c := range of.Commands() {
		if !c.Hidden {
			list = append(list, c)
		}
	}
	return list
}

// helpText describes a command: what it does, how it is called, examples, and its
// flags.
func (a *app) helpText(c *cobra.Command) string {
	st, err := a.style(a.terminal())
	if err != nil {
		st.width = defaultWidth // help is given whatever --color says
	}

	var b strings.Builder
	text := c.Long
	if text == "" {
		text = c.Short + "."
	}
	b.WriteString(text + "\n\nUsage:\n  " + usageLine(c) + "\n")
	if c.Example != "" {
		b.WriteString("\nExamples:\n" + strings.TrimRight(c.Example, "\n") + "\n")
	}
	if list := visible(c); len(list) > 0 {
		b.WriteString("\nCommands:\n")
		for _, sub := range list {
			fmt.Fprintf(&b, "  %-12s %s\n", sub.Name(), sub.Short)
		}
	}
	section(&b, st.width, "Flags", c.LocalNonPersistentFlags())
	section(&b, st.width, "Flags of every command", c.Root().PersistentFlags())
	if !c.HasParent() {
		b.WriteString("\nExit status:\n")
		for _, s := range exitStatuses {
			fmt.Fprintf(&b, "  %-4d %s\n", s.code, s.text)
		}
	}
	return b.String()
}

func usageLine(c *cobra.Command) string {
	line := c.UseLine()
	if len(visible(c)) > 0 && !c.HasParent() {
		return c.Name() + " COMMAND [flags]"
	}
	return line
}

func section(b *strings.Builder, width int, title string, flags *pflag.FlagSet) {
	if flags.HasAvailableFlags() {
		b.WriteString("\n" + title + ":\n" + flags.FlagUsagesWrapped(width))
	}
}

// exitStatuses are what every command ends with.
var exitStatuses = []struct {
	code int
	text string
}{
	{exitDone, "done; nothing found is done, unless --fail-empty"},
	{exitFailed, "failed, or no SOURCE could be read"},
	{exitUsage, "wrong usage"},
	{exitIncomplete, "the results are valid, but some input could not be read or decided"},
	{exitDamaged, "the index is damaged"},
	{exitLocked, "another writer holds the index"},
	{exitInterrupted, "interrupted; a re-run resumes"},
	{exitPipe, "the reader of the output went away"},
}
