package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"gantry/declare"
	"gantry/doctor"
	"gantry/function"
	"gantry/kafka"
	"gantry/mapping"
)

// policyFlags are how permissions are asked for.
type policyFlags struct {
	file      string
	principal string
	optional  bool
	redrive   bool
	terraform bool
}

func (a *app) aclsCommand() *cobra.Command {
	var f policyFlags
	c := &cobra.Command{
		Use: "acls MAPPING", Short: "Print the least a mapping needs on its cluster, as kafka-acls commands or Terraform",
		Long: `Acls prints the permissions without which a mapping does not run, and no others. Those
marked optional it runs without: --optional adds them, and a comment says what for. The
principal is gantry's own on that cluster, where it can be known.`,
		Example: `  gantry acls orders-to-validate
  gantry acls orders-to-validate --redrive --optional
  gantry acls orders-to-validate -c gantry.yaml --principal User:gantry --terraform`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, words []string) error {
			lists, err := a.accessLists(c, words[0], f)
			if err != nil {
				return err
			}
			return a.show(lists, func(w io.Writer) { printLists(w, lists, f) })
		},
	}
	fromFile(c, &f.file)
	c.Flags().StringVar(&f.principal, "principal", "", "who gets them, such as User:gantry")
	c.Flags().BoolVar(&f.optional, "optional", false, "with what it runs without")
	c.Flags().BoolVar(&f.redrive, "redrive", false, "with what redriving its dead letters takes")
	c.Flags().BoolVar(&f.terraform, "terraform", false, "print Terraform")
	return c
}

func (a *app) accessLists(c *cobra.Command, name string, f policyFlags) (doctor.ACLs, error) {
	var lists doctor.ACLs
	if f.file == "" {
		query := url.Values{"principal": {f.principal}, "optional": {strconv.FormatBool(f.optional)}, "redrive": {strconv.FormatBool(f.redrive)}}
		return lists, a.do(c.Context(), call{method: "GET", path: mappingPath(name, "/acls"), query: query, out: &lists})
	}
	l, err := a.local(c.Context(), f.file)
	if err != nil {
		return lists, err
	}
	m, err := l.mapping(name)
	if err != nil {
		return lists, errors.Join(err, l.Close())
	}
	needs := kafka.Needs(m)
	if f.redrive {
		needs = append(needs, kafka.RedriveNeeds(m)...)
	}
	lists = listsFor(c.Context(), l, m.Source, needs, f)
	if needs := kafka.NeedsElsewhere(m); len(needs) > 0 {
		lists = lists.And(listsFor(c.Context(), l, mapping.Source{Cluster: m.Output.Cluster}, needs, f))
	}
	return lists, l.Close()
}

func listsFor(ctx context.Context, l *Local, src mapping.Source, needs []kafka.Need, f policyFlags) doctor.ACLs {
	server := strings.Join(src.Bootstrap, ",")
	if cluster, err := l.Source(ctx, src); err == nil {
		f.principal, server = cmp.Or(f.principal, cluster.Principal(ctx)), strings.Join(cluster.Brokers, ",")
	}
	return doctor.AccessLists(needs, cmp.Or(f.principal, kafka.UnknownPrincipal), cmp.Or(server, "BROKER"), f.optional)
}

func printLists(w io.Writer, lists doctor.ACLs, f policyFlags) {
	if f.terraform {
		fmt.Fprint(w, lists.Terraform)
		return
	}
	for _, n := range lists.Needs {
		if n.Optional && !f.optional {
			fmt.Fprintf(w, "# optional: %s on %s %s, %s\n", n.Operation, n.Resource, n.Name, n.For)
		}
	}
	for _, command := range lists.Commands {
		fmt.Fprintln(w, command)
	}
}

func (a *app) iamCommand() *cobra.Command {
	var f policyFlags
	c := &cobra.Command{
		Use: "iam MAPPING", Short: "Print the least AWS identity a mapping needs, as a policy document or Terraform",
		Long: `Iam prints the policy gantry's own AWS identity needs for a mapping: to invoke its functions
in AWS, to do what its ready-made functions do there, to read its secrets in Secrets Manager,
to write its dead letters, to take on roles, and to use an MSK cluster by IAM.`,
		Example: "  gantry iam orders-to-score > policy.json\n  gantry iam orders-to-score -c gantry.yaml --terraform",
		Args:    args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, words []string) error {
			policy, err := a.policy(c, words[0], f)
			if err != nil {
				return err
			}
			return a.printPolicy(policy, f)
		},
	}
	fromFile(c, &f.file)
	c.Flags().BoolVar(&f.terraform, "terraform", false, "print Terraform")
	return c
}

func (a *app) policy(c *cobra.Command, name string, f policyFlags) (doctor.IAM, error) {
	var policy doctor.IAM
	if f.file == "" {
		return policy, a.do(c.Context(), call{method: "GET", path: mappingPath(name, "/iam"), out: &policy})
	}
	l, err := a.local(c.Context(), f.file)
	if err != nil {
		return policy, err
	}
	m, err := l.mapping(name)
	if err != nil {
		return policy, errors.Join(err, l.Close())
	}
	var functions []function.Function
	for _, name := range m.Names() {
		functions = append(functions, l.functions()[name])
	}
	return doctor.PolicyFor(doctor.Needing{
		Mapping: m, Functions: functions, Cluster: l.File.Clusters[m.Source.Cluster], Sections: Sections(l.File),
	}), l.Close()
}

// Sections are those of a file that tell what a mapping needs of AWS.
func Sections(f *declare.File) doctor.Sections {
	return doctor.Sections{
		Clusters: f.Clusters, Registries: f.Registries, Networks: f.Networks, Roles: f.Roles, Secrets: f.Secrets, Region: f.AWS.Region,
	}
}

// printPolicy prints the document alone, so that it can be a file; notes go beside it.
func (a *app) printPolicy(policy doctor.IAM, f policyFlags) error {
	for _, note := range policy.Notes {
		fmt.Fprintln(a.Err, "#", note)
	}
	if f.terraform && a.output == "table" {
		_, err := fmt.Fprint(a.Out, policy.Terraform)
		return err
	}
	a.output = "json"
	return a.show(policy.Policy, nil)
}
