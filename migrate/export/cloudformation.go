package export

import (
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"
)

// codeBucket is the parameter of CloudFormation that says where packages lie.
const codeBucket = "code-bucket"

// logDays is how long the logs of exported functions are kept.
const logDays = 30

// document is a template in the making: what it says, and comments by path.
type document struct {
	b        *builder
	comments yaml.CommentMap
}

// resource is one entry of Resources.
type resource struct {
	id         string
	kind       string
	waits      []string
	properties yaml.MapSlice
	notes      notes
}

func pair(name string, value any) yaml.MapItem { return yaml.MapItem{Key: name, Value: value} }

// cloudformation writes the parts for CloudFormation, or for SAM, whose functions are its
// own and name their package by its file.
func (b *builder) cloudformation() (string, error) {
	if b.Kind == CloudFormation && len(b.packages) > 0 {
		b.ask(parameter{key: codeBucket, about: "The S3 bucket that the packages were copied to"})
	}
	d := &document{b: b, comments: yaml.CommentMap{}}
	top := yaml.MapSlice{pair("AWSTemplateFormatVersion", "2010-09-09")}
	if b.Kind == SAM {
		top = append(top, pair("Transform", "AWS::Serverless-2016-10-31"))
	}
	top = append(top, pair("Description", "Event source mappings exported by gantry"), pair("Parameters", d.parameters()))
	var resources, outputs yaml.MapSlice
	for _, r := range d.resources() {
		entry := yaml.MapSlice{pair("Type", r.kind)}
		if len(r.waits) > 0 {
			entry = append(entry, pair("DependsOn", r.waits))
		}
		resources = append(resources, pair(r.id, append(entry, pair("Properties", r.properties))))
		d.note(r)
	}
	for _, s := range b.sources {
		outputs = append(outputs, pair(b.output(s), yaml.MapSlice{
			pair("Description", "UUID of the mapping that goes on with group "+s.group), pair("Value", ref(pascal(s.id))),
		}))
	}
	top = append(top, pair("Resources", resources), pair("Outputs", outputs))
	text, err := yaml.MarshalWithOptions(top, yaml.WithComment(d.comments), yaml.IndentSequence(true), yaml.UseLiteralStyleIfMultiline(true))
	return string(text), err
}

func (d *document) parameters() yaml.MapSlice {
	var out yaml.MapSlice
	for _, p := range d.b.parameters {
		shape := p.shape
		if shape == "" {
			shape = "String"
		}
		entry := yaml.MapSlice{pair("Type", shape), pair("Description", p.about)}
		if p.standard != "" {
			entry = append(entry, pair("Default", p.standard))
		}
		if p.standard == "false" {
			entry = append(entry, pair("AllowedValues", []string{"true", "false"}))
		}
		if p.hidden {
			entry = append(entry, pair("NoEcho", true))
		}
		out = append(out, pair(p.name(d.b.Kind), entry))
	}
	return out
}

// note writes the comments of a resource before its properties; one about a property that
// is not there stands before the resource.
func (d *document) note(r resource) {
	path := "$.Resources." + r.id
	own := r.notes[""]
	has := map[string]bool{"": true}
	for _, p := range r.properties {
		name := fmt.Sprint(p.Key)
		has[name] = true
		if lines := r.notes[name]; len(lines) > 0 {
			d.comments[path+".Properties."+name] = []*yaml.Comment{head(lines)}
		}
	}
	for _, place := range sortedKeys(r.notes) {
		if !has[place] {
			own = append(own, r.notes[place]...)
		}
	}
	if len(own) > 0 {
		d.comments[path] = []*yaml.Comment{head(own)}
	}
}

func head(lines []string) *yaml.Comment {
	var out []string
	for _, line := range lines {
		out = append(out, " "+strings.ReplaceAll(line, "\n", " "))
	}
	return yaml.HeadComment(out...)
}

func (d *document) resources() []resource {
	var out []resource
	for _, f := range d.b.functions {
		out = append(out, d.log(f), d.function(f))
		if f.fn.Async != nil && (f.fn.Async.Retries != nil || f.fn.Async.MaxAge > 0) {
			out = append(out, d.asynchronous(f))
		}
	}
	for _, r := range d.b.roles {
		if len(r.grants) > 0 || r.own {
			out = append(out, d.role(r))
		}
	}
	for _, s := range d.b.sources {
		out = append(out, d.source(s))
	}
	return out
}

func (d *document) log(f *functionPart) resource {
	return resource{id: pascal(f.id + "-log"), kind: "AWS::Logs::LogGroup", properties: yaml.MapSlice{
		pair("LogGroupName", "/aws/lambda/"+f.fn.Name), pair("RetentionInDays", logDays),
	}}
}

func (d *document) function(f *functionPart) resource {
	r := resource{id: pascal(f.id), kind: "AWS::Lambda::Function", notes: f.notes, waits: []string{pascal(f.id + "-log")}}
	r.properties = yaml.MapSlice{pair("FunctionName", f.fn.Name)}
	if f.fn.Description != "" {
		r.properties = append(r.properties, pair("Description", f.fn.Description))
	}
	if d.b.Kind == SAM {
		r.kind = "AWS::Serverless::Function"
		r.properties = append(r.properties, pair("CodeUri", f.zip))
		r.notes["CodeUri"] = append(r.notes["CodeUri"], r.notes["Code"]...)
		delete(r.notes, "Code")
	} else {
		bucket := d.value(value{kind: parameterOf, text: codeBucket})
		r.properties = append(r.properties, pair("Code", yaml.MapSlice{pair("S3Bucket", bucket), pair("S3Key", f.zip)}))
	}
	r.properties = append(r.properties,
		pair("Runtime", f.of), pair("Handler", f.run), pair("MemorySize", f.fn.Memory), pair("Timeout", seconds(f.within)),
		pair("Role", d.value(f.role)))
	if len(f.env) > 0 {
		var variables yaml.MapSlice
		for _, v := range f.env {
			variables = append(variables, pair(v.name, d.value(v.value)))
		}
		r.properties = append(r.properties, pair("Environment", yaml.MapSlice{pair("Variables", variables)}))
	}
	if len(f.fn.Architectures) > 0 {
		r.properties = append(r.properties, pair("Architectures", f.fn.Architectures))
	}
	if f.fn.Concurrency != nil {
		r.properties = append(r.properties, pair("ReservedConcurrentExecutions", *f.fn.Concurrency))
	}
	if len(f.fn.Tags) > 0 {
		r.properties = append(r.properties, pair("Tags", d.tags(f.fn.Tags)))
	}
	return r
}

// tags are a list in CloudFormation and an object in SAM's functions.
func (d *document) tags(tags map[string]string) any {
	var list []yaml.MapSlice
	var object yaml.MapSlice
	for _, key := range sortedKeys(tags) {
		list = append(list, yaml.MapSlice{pair("Key", key), pair("Value", tags[key])})
		object = append(object, pair(key, tags[key]))
	}
	if d.b.Kind == SAM {
		return object
	}
	return list
}

func (d *document) asynchronous(f *functionPart) resource {
	r := resource{id: pascal(f.id + "-async"), kind: "AWS::Lambda::EventInvokeConfig", properties: yaml.MapSlice{
		pair("FunctionName", ref(pascal(f.id))), pair("Qualifier", "$LATEST"),
	}}
	if n := f.fn.Async.Retries; n != nil {
		r.properties = append(r.properties, pair("MaximumRetryAttempts", *n))
	}
	if age := f.fn.Async.MaxAge; age > 0 {
		r.properties = append(r.properties, pair("MaximumEventAgeInSeconds", seconds(age)))
	}
	return r
}

func (d *document) role(r *rolePart) resource {
	var statements []yaml.MapSlice
	for _, g := range r.grants {
		var resources []any
		for _, v := range g.resources {
			resources = append(resources, d.value(v))
		}
		statements = append(statements, yaml.MapSlice{pair("Sid", g.sid), pair("Effect", "Allow"), pair("Action", g.actions), pair("Resource", resources)})
	}
	policy := yaml.MapSlice{pair("Version", "2012-10-17"), pair("Statement", statements)}
	if !r.own {
		return resource{id: pascal(r.id), kind: "AWS::IAM::ManagedPolicy", notes: r.notes, properties: yaml.MapSlice{
			pair("Description", "What function "+r.of+" needs for its mappings"), pair("PolicyDocument", policy), pair("Roles", []any{d.value(r.there)}),
		}}
	}
	trust := yaml.MapSlice{pair("Version", "2012-10-17"), pair("Statement", []yaml.MapSlice{{
		pair("Effect", "Allow"), pair("Principal", yaml.MapSlice{pair("Service", "lambda.amazonaws.com")}), pair("Action", "sts:AssumeRole"),
	}})}
	return resource{id: pascal(r.id), kind: "AWS::IAM::Role", notes: r.notes, properties: yaml.MapSlice{
		pair("AssumeRolePolicyDocument", trust),
		pair("Policies", []yaml.MapSlice{{pair("PolicyName", "least"), pair("PolicyDocument", policy)}}),
	}}
}

func ref(name string) yaml.MapSlice { return yaml.MapSlice{pair("Ref", name)} }

// value writes a value in CloudFormation's words.
func (d *document) value(v value) any {
	switch v.kind {
	case parameterOf:
		return ref(pascal(v.text))
	case partOf, logOf: // the ARN of a log group has its :* there
		return yaml.MapSlice{pair("Fn::GetAtt", []string{pascal(v.text), "Arn"})}
	case joined, secretOf:
		text, filled := d.filled(v)
		if !filled {
			return text
		}
		return yaml.MapSlice{pair("Fn::Sub", text)}
	}
	return v.text
}

// filled writes a value as text for Fn::Sub, and says whether there is anything for it to
// fill in; without, the text is as it is.
func (d *document) filled(v value) (text string, fills bool) {
	switch v.kind {
	case parameterOf:
		return "${" + pascal(v.text) + "}", true
	case partOf:
		return "${" + pascal(v.text) + ".Arn}", true
	case secretOf:
		inner, fills := d.filled(v.parts[0])
		return "{{resolve:secretsmanager:" + inner + ":SecretString}}", fills
	case joined:
		for _, part := range v.parts {
			more, filled := d.filled(part)
			text, fills = text+more, fills || filled
		}
		return text, fills
	}
	return v.text, false
}
