package schema

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/bufbuild/protocompile/linker"
	"github.com/bufbuild/protocompile/parser"
	"github.com/bufbuild/protocompile/reporter"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"
	_ "google.golang.org/protobuf/types/known/anypb"       // the schemas that every compiler knows:
	_ "google.golang.org/protobuf/types/known/durationpb"  // they register themselves
	_ "google.golang.org/protobuf/types/known/emptypb"     //
	_ "google.golang.org/protobuf/types/known/fieldmaskpb" //
	_ "google.golang.org/protobuf/types/known/structpb"    //
	_ "google.golang.org/protobuf/types/known/timestamppb" //
	_ "google.golang.org/protobuf/types/known/wrapperspb"  //
)

// protobufCodec writes Protobuf's binary form of what its JSON form says.
type protobufCodec struct {
	message protoreflect.MessageDescriptor
	types   *dynamicpb.Types
}

// newProtobuf reads a .proto file and those it imports, and finds the message: by its full
// name, or the first of the file. It gives the message's index, as Confluent's wire format
// names a message of a file.
func newProtobuf(text string, others []reference, message string) (codec, []int, error) {
	files := compiled{symbols: &linker.Symbols{}, handler: reporter.NewHandler(nil), known: map[string]linker.File{}}
	for _, o := range append(others, reference{place, text}) {
		if err := files.add(o.name, o.text); err != nil {
			return nil, nil, err
		}
	}
	file := files.known[place]
	found, err := messageOf(file, message)
	if err != nil {
		return nil, nil, err
	}
	var registry protoregistry.Files
	for _, f := range files.known {
		_ = registry.RegisterFile(f) // what is known twice is the same
	}
	return protobufCodec{found, dynamicpb.NewTypes(&registry)}, indexOf(found), nil
}

// compiled are files that others may import.
type compiled struct {
	symbols *linker.Symbols
	handler *reporter.Handler
	known   map[string]linker.File
}

// add compiles a file whose imports were added before. Options stay as they are written:
// none of them changes what a proto2 or proto3 message is to its readers.
func (c *compiled) add(name, text string) error {
	tree, err := parser.Parse(name, strings.NewReader(text), c.handler)
	if err != nil {
		return err
	}
	parsed, err := parser.ResultFromAST(tree, true, c.handler)
	if err != nil {
		return err
	}
	if parsed.FileDescriptorProto().GetSyntax() == "editions" {
		return errors.New("it is written in an edition; want proto2 or proto3")
	}
	var imports linker.Files
	for _, path := range parsed.FileDescriptorProto().GetDependency() {
		file, err := c.file(path)
		if err != nil {
			return err
		}
		imports = append(imports, file)
	}
	c.known[name], err = linker.Link(parsed, imports, c.symbols, c.handler)
	return err
}

// file is an import: one of the references, or one that every compiler knows.
func (c *compiled) file(path string) (linker.File, error) {
	if f := c.known[path]; f != nil {
		return f, nil
	}
	own, err := protoregistry.GlobalFiles.FindFileByPath(path)
	if err != nil || !strings.HasPrefix(path, "google/protobuf/") {
		return nil, fmt.Errorf("it imports %s, which is not among its references in the registry", path)
	}
	f, err := linker.NewFileRecursive(own)
	if err == nil {
		err = c.symbols.Import(f, c.handler)
	}
	c.known[path] = f
	return f, err
}

// messageOf finds a message by its full name; "" = the first.
func messageOf(file linker.File, name string) (protoreflect.MessageDescriptor, error) {
	if name == "" {
		if file.Messages().Len() == 0 {
			return nil, errors.New("it has no message")
		}
		return file.Messages().Get(0), nil
	}
	found, ok := file.FindDescriptorByName(protoreflect.FullName(name)).(protoreflect.MessageDescriptor)
	if !ok || found.IsMapEntry() {
		return nil, fmt.Errorf("it has no message %s; want a full name, with the package", name)
	}
	return found, nil
}

// indexOf is where a message stands in its file: the place at each level, the outermost
// first. The messages that a compiler makes up for maps are in no file and do not count:
// Java's deserializer, which finds the message by this index, counts what is written.
func indexOf(m protoreflect.MessageDescriptor) []int {
	parent, nested := m.Parent().(protoreflect.MessageDescriptor)
	if !nested {
		return []int{m.Index()}
	}
	at := 0
	for i := range m.Index() {
		if !parent.Messages().Get(i).IsMapEntry() {
			at++
		}
	}
	return append(indexOf(parent), at)
}

func (c protobufCodec) append(out, text []byte) ([]byte, error) {
	m := dynamicpb.NewMessage(c.message)
	if err := (protojson.UnmarshalOptions{Resolver: c.types}).Unmarshal(text, m); err != nil {
		return nil, protobufMisfit(err)
	}
	return proto.MarshalOptions{Deterministic: true}.MarshalAppend(out, m)
}

// blamed finds the field in protojson's words, which have no other form.
var blamed = regexp.MustCompile(`(?:unknown field "|field |required field )([\w.\[\]]+)`)

func protobufMisfit(err error) *misfit {
	// The blank behind "proto:" may be one or the other; its makers want nobody to parse it.
	text := strings.TrimSpace(strings.TrimPrefix(strings.ReplaceAll(err.Error(), "\u00a0", " "), "proto:"))
	bad := &misfit{reason: text}
	if m := blamed.FindStringSubmatch(text); m != nil {
		bad.field = m[1]
	}
	return bad
}
