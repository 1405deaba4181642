// Package export writes finished mappings as templates for AWS: SAM, CloudFormation or
// Terraform, with their functions, roles of the least permissions, log groups and event
// source mappings that go on in the same consumer groups.
//
// The flow: lacks.go names what each mapping uses here and AWS does not have; Make refuses
// with all of it at once until it was accepted. build.go makes parts of mappings, which
// know no syntax: functions, roles, sources. cloudformation.go (SAM too) and terraform.go
// write the parts. Where something was accepted the template has a comment at that place.
//
// What holds: no secret is written, only where Secrets Manager has it; a value that may be
// one and is not to be shown is a parameter; the same mappings give the same bytes.
package export

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"gantry/cloud"
	"gantry/function"
	"gantry/kafka"
	"gantry/mapping"
)

// Kind is a language of templates.
type Kind string

// The languages.
const (
	SAM            Kind = "sam"
	CloudFormation Kind = "cloudformation"
	Terraform      Kind = "terraform"
)

// Kinds are all of them.
func Kinds() []Kind { return []Kind{SAM, CloudFormation, Terraform} }

// Case is a mapping with what it uses.
type Case struct {
	Mapping   mapping.Mapping
	Functions map[string]function.Function // at least its own
	Cluster   kafka.Config                 // its entry of clusters:; the zero Config if none
	Roles     cloud.Roles
	Grants    []Grant // what its function's role needs of AWS for the mapping itself, beside secrets
}

// Grant allows actions on resources.
type Grant struct {
	Sid       string
	Actions   []string
	Resources []string
}

// Options are how templates are written.
type Options struct {
	Kind   Kind
	Accept []string // names of features that may be lost, or All
	Values bool     // the values of environment variables may be shown; otherwise they become parameters
}

// All accepts whatever AWS lacks.
const All = "all"

// Parameter is what a template asks whoever deploys it.
type Parameter struct {
	Name    string `json:"name"`
	About   string `json:"about"`
	Default string `json:"default,omitempty"`
}

// Package is a deployment package that a template names.
type Package struct {
	Function    string `json:"function"`
	File        string `json:"file"`                  // the zip
	Integration string `json:"integration,omitempty"` // it is gantry's own binary; "" = the function's code
	Arch        string `json:"architecture,omitempty"`
}

// Result is a template and what goes with it.
type Result struct {
	Kind       Kind        `json:"kind"`
	File       string      `json:"file"` // what to call it
	Template   string      `json:"template"`
	Lacks      []Feature   `json:"lacks"`
	Parameters []Parameter `json:"parameters"`
	Packages   []Package   `json:"packages"`
	Steps      []string    `json:"steps"` // what is left to do, in order
}

// LackingError refuses an export: AWS has not everything the mappings use.
type LackingError struct{ Lacks []Feature }

func (e *LackingError) Error() string {
	var b strings.Builder
	b.WriteString("AWS does not have all that is used here; nothing was exported:")
	for _, f := range e.Lacks {
		fmt.Fprintf(&b, "\n  %s (%s): %s; in AWS: %s", f.Name, f.Of, f.Here, f.There)
	}
	fmt.Fprintf(&b, "\nto export without: --accept %s", strings.Join(namesOf(e.Lacks), ","))
	return b.String()
}

// namesOf gives the names of features, each once.
func namesOf(list []Feature) []string {
	names := map[string]bool{}
	for _, f := range list {
		names[f.Name] = true
	}
	return slices.Sorted(maps.Keys(names))
}

// Make writes mappings as one template. It refuses with a *LackingError where AWS lacks
// what was not accepted, and names an accepted feature that there is none of.
func Make(cases []Case, o Options) (Result, error) {
	if !slices.Contains(Kinds(), o.Kind) {
		return Result{}, fmt.Errorf("%q is no kind of template; want sam, cloudformation or terraform", o.Kind)
	}
	for _, name := range o.Accept {
		if name != All && !slices.ContainsFunc(Catalogue(), func(f Known) bool { return f.Name == name }) {
			return Result{}, fmt.Errorf("--accept %s: there is no such feature; there are %s", name, strings.Join(knownNames(), ", "))
		}
	}
	b := newBuilder(o)
	for _, c := range cases {
		if err := b.add(c); err != nil {
			return Result{}, err
		}
	}
	refused := slices.DeleteFunc(slices.Clone(b.lacks), func(f Feature) bool {
		return slices.Contains(o.Accept, All) || slices.Contains(o.Accept, f.Name)
	})
	if len(refused) > 0 {
		return Result{}, &LackingError{refused}
	}
	return b.result()
}

// result writes the template.
func (b *builder) result() (Result, error) {
	b.comment()
	out := Result{Kind: b.Kind, File: "template.yaml", Lacks: b.lacks, Packages: b.packages, Steps: b.steps()}
	var err error
	switch b.Kind {
	case Terraform:
		out.File, out.Template = "main.tf", b.terraform()
	case SAM, CloudFormation:
		out.Template, err = b.cloudformation()
	}
	for _, p := range b.parameters {
		out.Parameters = append(out.Parameters, Parameter{p.name(b.Kind), p.about, p.standard})
	}
	return out, err
}
