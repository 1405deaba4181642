package export

import (
	"fmt"
	"strings"
)

// comment writes what was accepted to the places it is about.
func (b *builder) comment() {
	for _, f := range b.lacks {
		text := fmt.Sprintf("not in AWS: %s (%s). Here: %s. There: %s", f.Name, f.Of, f.Here, f.There)
		if n := b.notesOf(f.part); n != nil {
			n.add(f.place, text)
		}
	}
}

func (b *builder) notesOf(part string) notes {
	for _, f := range b.functions {
		if f.id == part {
			return f.notes
		}
	}
	for _, r := range b.roles {
		if r.id == part {
			return r.notes
		}
	}
	for _, s := range b.sources {
		if s.id == part {
			return s.notes
		}
	}
	return nil
}

// steps are what is left to do, in order.
func (b *builder) steps() []string {
	var out []string
	for _, p := range b.packages {
		if p.Integration != "" {
			out = append(out, fmt.Sprintf("gantry integration package %s --file %s --arch %s", p.Integration, p.File, p.Arch))
		}
	}
	out = append(out, b.deploy()...)
	for _, s := range b.sources {
		if s.group == s.m.GroupID {
			out = append(out, fmt.Sprintf("gantry export handover %s --aws-mapping UUID --reason TEXT   # UUID: output %s", nameOf(s.m), b.output(s)))
		}
	}
	return out
}

func (b *builder) deploy() []string {
	switch b.Kind {
	case SAM:
		return []string{"sam deploy --guided --template-file template.yaml"}
	case Terraform:
		return []string{"terraform init", "terraform apply"}
	}
	var out, answers []string
	for _, p := range b.packages {
		out = append(out, fmt.Sprintf("aws s3 cp %s s3://BUCKET/%s", p.File, p.File))
	}
	if len(b.packages) > 0 {
		answers = append(answers, "CodeBucket=BUCKET")
	}
	for _, p := range b.parameters {
		if p.standard == "" && p.key != codeBucket {
			answers = append(answers, p.name(b.Kind)+"=…")
		}
	}
	line := "aws cloudformation deploy --template-file template.yaml --stack-name gantry-export --capabilities CAPABILITY_IAM"
	if len(answers) > 0 {
		line += " --parameter-overrides " + strings.Join(answers, " ")
	}
	return append(out, line)
}

// output is what the template calls the UUID of a mapping.
func (b *builder) output(s *sourcePart) string {
	if b.Kind == Terraform {
		return snake(s.id) + "_uuid"
	}
	return pascal(s.id) + "UUID"
}
