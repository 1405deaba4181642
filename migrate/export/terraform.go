package export

import (
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"
)

// sheet is a Terraform file in the making.
type sheet struct {
	b       *builder
	body    *hclwrite.Body
	secrets map[string]string // ARN expression → the data source that reads it
}

// terraform writes the parts for Terraform with AWS's provider.
func (b *builder) terraform() string {
	file := hclwrite.NewEmptyFile()
	t := &sheet{b: b, body: file.Body(), secrets: map[string]string{}}
	t.provider()
	for _, p := range b.parameters {
		t.variable(p)
	}
	for _, f := range b.functions {
		t.function(f)
	}
	for _, r := range b.roles {
		if len(r.grants) > 0 || r.own {
			t.role(r)
		}
	}
	for _, s := range b.sources {
		t.source(s)
		out := t.block(notes{}, "output", b.output(s))
		t.set(out, "description", lit("UUID of the mapping that goes on with group "+s.group))
		out.SetAttributeRaw("value", words("aws_lambda_event_source_mapping."+snake(s.id)+".uuid"))
	}
	return string(hclwrite.Format(file.Bytes()))
}

func (t *sheet) provider() {
	needs := t.block(notes{}, "terraform").AppendNewBlock("required_providers", nil).Body()
	needs.SetAttributeValue("aws", cty.ObjectVal(map[string]cty.Value{"source": cty.StringVal("hashicorp/aws")}))
}

func (t *sheet) variable(p parameter) {
	v := t.block(notes{}, "variable", snake(p.key))
	v.SetAttributeValue("description", cty.StringVal(p.about))
	if p.standard == "false" {
		v.SetAttributeRaw("type", words("bool"))
		v.SetAttributeValue("default", cty.False)
		return
	}
	v.SetAttributeRaw("type", words("string"))
	if p.standard != "" {
		v.SetAttributeValue("default", cty.StringVal(p.standard))
	}
	if p.hidden {
		v.SetAttributeValue("sensitive", cty.True)
	}
}

// block begins a block, with the notes that stand before it.
func (t *sheet) block(n notes, kind string, labels ...string) *hclwrite.Body {
	if len(t.body.Blocks()) > 0 {
		t.body.AppendNewline()
	}
	comment(t.body, n[""])
	return t.body.AppendNewBlock(kind, labels).Body()
}

func comment(to *hclwrite.Body, lines []string) {
	for _, line := range lines {
		text := "# " + strings.ReplaceAll(line, "\n", " ") + "\n"
		to.AppendUnstructuredTokens(hclwrite.Tokens{{Type: hclsyntax.TokenComment, Bytes: []byte(text)}})
	}
}

func words(expression string) hclwrite.Tokens {
	return hclwrite.Tokens{{Type: hclsyntax.TokenIdent, Bytes: []byte(expression)}}
}

// set writes an attribute.
func (t *sheet) set(to *hclwrite.Body, name string, v value) { to.SetAttributeRaw(name, t.tokens(v)) }

// list writes an attribute that is a list.
func (t *sheet) list(to *hclwrite.Body, name string, values []value) {
	var elements []hclwrite.Tokens
	for _, v := range values {
		elements = append(elements, t.tokens(v))
	}
	to.SetAttributeRaw(name, hclwrite.TokensForTuple(elements))
}

// tokens writes a value in Terraform's words.
func (t *sheet) tokens(v value) hclwrite.Tokens {
	switch v.kind {
	case parameterOf, partOf:
		return words(t.reference(v))
	case logOf:
		return words(`"${aws_cloudwatch_log_group.` + snake(v.text) + `.arn}:*"`)
	case secretOf:
		return words("data.aws_secretsmanager_secret_version." + t.secret(v.parts[0]) + ".secret_string")
	case joined:
		var b strings.Builder
		for _, part := range v.parts {
			if part.kind == literal {
				quoted := hclwrite.TokensForValue(cty.StringVal(part.text)).Bytes()
				b.Write(quoted[1 : len(quoted)-1])
				continue
			}
			b.WriteString("${" + t.reference(part) + "}")
		}
		return words(`"` + b.String() + `"`)
	}
	return hclwrite.TokensForValue(cty.StringVal(v.text))
}

// reference is a value that is no text, as an expression.
func (t *sheet) reference(v value) string {
	if v.kind == parameterOf {
		return "var." + snake(v.text)
	}
	for _, f := range t.b.functions {
		if v.text == f.id {
			return "aws_lambda_function." + snake(f.id) + ".arn"
		}
	}
	return "aws_iam_role." + snake(v.text) + ".arn"
}

// secret reads a secret by a data source, one for each.
func (t *sheet) secret(arn value) string {
	at := string(t.tokens(arn).Bytes())
	if name, ok := t.secrets[at]; ok {
		return name
	}
	var name string
	if arn.kind == literal {
		name = snake(arn.text[strings.LastIndexByte(arn.text, ':')+1:])
	} else {
		name = snake(arn.text)
	}
	t.secrets[at] = name
	data := t.block(notes{}, "data", "aws_secretsmanager_secret_version", name)
	t.set(data, "secret_id", arn)
	return name
}
