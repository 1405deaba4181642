package lambda

import (
	"fmt"
	"regexp"
	"strings"

	"gantry/function"
)

// AWS's patterns of names, as its model has them.
var (
	functionPattern = whole(`(arn:(aws[a-zA-Z-]*)?:lambda:)?([a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?([a-zA-Z0-9-_\.]+)(:(\$LATEST(\.PUBLISHED)?|[a-zA-Z0-9-_]+))?`)
	resourcePattern = whole(`arn:(aws[a-zA-Z-]*):lambda:[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:\d{12}:(function:[a-zA-Z0-9-_]+(:(\$LATEST|[a-zA-Z0-9-_]+))?|code-signing-config:csc-[a-z0-9]{17}|event-source-mapping:[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}|capacity-provider:[a-zA-Z0-9-_]+)`)

	// functionParts takes a name apart: region, account, name, qualifier.
	functionParts = regexp.MustCompile(`^(?:arn:[a-zA-Z-]*:lambda:)?(?:([a-z]{2}(?:-[a-z]+)+-\d):)?(?:(\d{12}):)?(?:function:)?([a-zA-Z0-9-_.]+)(?::(\$LATEST(?:\.PUBLISHED)?|[a-zA-Z0-9-_]+))?$`)
)

const latest = "$LATEST"

// functionRef is a function as a request names it.
type functionRef struct {
	name      string
	qualifier string // "" or $LATEST
	elsewhere bool   // an ARN of another account or region: nothing here has it
}

// functionNamed reads a name, a partial ARN or an ARN, and notes its faults.
func (s *Server) functionNamed(text string, f *faults) functionRef {
	const field = "functionName"
	f.text(field, &text, length(1, 256), pattern(functionPattern))
	parts := functionParts.FindStringSubmatch(text)
	if parts == nil {
		return functionRef{}
	}
	region, account, ref := parts[1], parts[2], functionRef{name: parts[3], qualifier: parts[4]}
	if len(ref.name) > function.MaxFunctionNameLen {
		f.breaks(field, ref.name, "Member must have length less than or equal to 64")
	}
	refuseQualifier(field, ref.qualifier, f)
	ref.elsewhere = region != "" && region != s.cfg.Region || account != "" && account != s.cfg.AccountID
	return ref
}

func refuseQualifier(field, qualifier string, f *faults) {
	if qualifier != "" && qualifier != latest {
		f.refuse("%s: qualifier %s: published versions and aliases are not supported by gantry yet, only %s",
			field, qualifier, latest)
	}
}

func (s *Server) functionARN(name, qualifier string) string {
	arn := fmt.Sprintf("arn:aws:lambda:%s:%s:function:%s", s.cfg.Region, s.cfg.AccountID, name)
	if qualifier != "" {
		arn += ":" + qualifier
	}
	return arn
}

func (s *Server) mappingARN(uuid string) string {
	return fmt.Sprintf("arn:aws:lambda:%s:%s:event-source-mapping:%s", s.cfg.Region, s.cfg.AccountID, uuid)
}

// taggedResource is what an ARN in a tag request names: exactly one of the two.
type taggedResource struct{ function, mapping string }

// resourceOf reads the ARN of a function or a mapping of this account and region.
func (s *Server) resourceOf(arn string, f *faults) taggedResource {
	f.text("resource", &arn, length(1, 256), pattern(resourcePattern))
	if name, ok := strings.CutPrefix(arn, s.functionARN("", "")); ok {
		name, qualifier, _ := strings.Cut(name, ":")
		if qualifier != "" {
			f.refuse("Tags on function aliases and versions are not supported. Please specify either a function ARN or an event source mapping ARN.")
		}
		return taggedResource{function: name}
	}
	if uuid, ok := strings.CutPrefix(arn, s.mappingARN("")); ok {
		return taggedResource{mapping: uuid}
	}
	return taggedResource{}
}
