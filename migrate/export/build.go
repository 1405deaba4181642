package export

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"gantry/function"
	"gantry/integration"
	"gantry/mapping"
	"gantry/sink"
)

// builder makes parts of mappings. Functions that several mappings use are made once.
type builder struct {
	Options
	lacks      []Feature
	parameters []parameter
	functions  []*functionPart
	roles      []*rolePart
	sources    []*sourcePart
	packages   []Package

	ids     map[string]bool  // taken, as languages without letter case see them
	known   map[string]value // function by name → its name or ARN for mappings
	secrets map[string]value // reference → where it is
}

// integrationMemory is the least that gantry's own binary gets as a function, in MB: here
// it has no bound of its own.
const integrationMemory = 512

func newBuilder(o Options) *builder {
	b := &builder{Options: o, ids: map[string]bool{}, known: map[string]value{}, secrets: map[string]value{}}
	b.ask(parameter{key: "enabled", standard: "false", about: "Whether the mappings read at once; gantry export handover enables them when gantry has let go"})
	return b
}

func nameOf(m mapping.Mapping) string { return cmp.Or(m.Name, m.UUID) }

// id gives a part a name that no other has.
func (b *builder) id(name string) string {
	id := strings.Trim(snake(name), "_")
	if id == "" || id[0] >= '0' && id[0] <= '9' {
		id = "m_" + id
	}
	id = strings.ReplaceAll(id, "_", "-")
	for n, try := 2, id; ; n++ {
		if key := strings.ToLower(pascal(try)); !b.ids[key] {
			b.ids[key] = true
			return try
		}
		try = fmt.Sprintf("%s-%d", id, n)
	}
}

// ask puts a question to whoever deploys, once for each key.
func (b *builder) ask(p parameter) value {
	if !slices.ContainsFunc(b.parameters, func(known parameter) bool { return known.key == p.key }) {
		b.parameters = append(b.parameters, p)
		b.ids[strings.ToLower(pascal(p.key))] = true
	}
	return value{kind: parameterOf, text: p.key}
}

// secret says where a secret is: the ARN the reference is, or a parameter that asks where
// it was put.
func (b *builder) secret(ref, key, about string) value {
	if strings.HasPrefix(ref, "arn:aws") && strings.Contains(ref, ":secretsmanager:") {
		return lit(ref)
	}
	ref = cmp.Or(ref, key)
	if at, known := b.secrets[ref]; known {
		return at
	}
	taken := func(key string) bool {
		return slices.ContainsFunc(b.parameters, func(p parameter) bool { return p.key == key })
	}
	for n, wish := 2, key; taken(key); n++ {
		key = fmt.Sprintf("%s-%d", wish, n)
	}
	b.secrets[ref] = b.ask(parameter{key: key, about: about})
	return b.secrets[ref]
}

// add makes the parts of one mapping.
func (b *builder) add(c Case) error {
	m := c.Mapping
	first := b.id(nameOf(m) + "-mapping")
	b.mappingLacks(first, m)
	if len(m.Functions) > 1 {
		b.lack(first, "FunctionName", Feature{
			Name: "functions", Of: "mapping " + nameOf(m), Here: fmt.Sprintf("%d functions, committed as one", len(m.Functions)),
			There: "a mapping and a group for each; the first keeps the group, set the offsets of the others to its own before you enable them",
		})
	}
	for i, consumer := range m.Functions {
		s := &sourcePart{id: first, m: m, group: m.GroupID, filters: consumer.Filters, notes: notes{}}
		if i > 0 {
			s.id, s.group = b.id(nameOf(m)+"-"+consumer.Function+"-mapping"), m.GroupID+"."+consumer.Function
		}
		b.filterLacks(s.id, m, consumer.Filters)
		b.login(s, c)
		b.poll(s)
		fn, ok := c.Functions[consumer.Function]
		if !ok {
			return fmt.Errorf("mapping %s: its function %s is not there", nameOf(m), consumer.Function)
		}
		if err := b.function(s, fn, c); err != nil {
			return err
		}
		b.sources = append(b.sources, s)
	}
	return nil
}

// poll asks for provisioned mode where AWS has the mapping's error controls in that mode
// alone.
func (b *builder) poll(s *sourcePart) {
	m := s.m
	s.pollers = m.Pollers
	needs := m.RetryAttempts != mapping.Endless || m.RecordAge > 0 || m.Bisect || m.PartialAnswers || m.SystemLogLevel != "" || strings.HasPrefix(m.OnFailure, "kafka://")
	if s.pollers == nil && needs {
		s.pollers = &mapping.Pollers{Minimum: 1, Maximum: mapping.DefaultMaximumPollers}
		s.notes.add("ProvisionedPollerConfig", "AWS has retries, age, bisecting, partial answers, event logs and Kafka destinations in provisioned mode alone; it is billed by the hour")
	}
	s.notes.add("StartingPosition", "only for partitions that the group has committed nothing of: AWS goes on where the group is")
	if m.Start == mapping.Latest {
		s.notes.add("StartingPosition", "with LATEST such a partition misses what is written until AWS polls it, minutes after this is deployed")
	}
	if m.Window == nil {
		s.notes.add("", "without MaximumBatchingWindowInSeconds AWS waits 500 ms, as gantry does; once set it can't be unset")
	}
}

// function makes the function of a mapping and its role, or finds those made already.
func (b *builder) function(s *sourcePart, fn function.Function, c Case) error {
	at, made := b.known[fn.Name]
	if !made {
		var err error
		if at, err = b.newFunction(fn, c); err != nil {
			return err
		}
		b.known[fn.Name] = at
	}
	s.function = at
	for _, r := range b.roles {
		if r.of == fn.Name {
			b.grant(r, s, c)
			s.waits = append(s.waits, r.id)
		}
	}
	return nil
}

func (b *builder) newFunction(fn function.Function, c Case) (value, error) {
	switch fn.Kind {
	case function.Lambda:
		b.roles = append(b.roles, &rolePart{id: b.id(fn.Name + "-policy"), of: fn.Name, there: b.roleName(fn), notes: notes{}})
		return lit(fn.ARN), nil
	case function.HTTP:
		b.roles = append(b.roles, &rolePart{id: b.id(fn.Name + "-policy"), of: fn.Name, there: b.roleName(fn), notes: notes{}})
		at := b.ask(parameter{key: fn.Name + "-function-arn", about: "ARN of the function that does the work of " + fn.Name + ", which is a service behind HTTP here"})
		b.lack(b.roles[len(b.roles)-1].id, "", Feature{Name: "http", Of: "function " + fn.Name, Here: "a service behind HTTP", There: "AWS invokes functions alone: the template asks for the ARN of one"})
		return at, nil
	}
	part := &functionPart{id: b.id(fn.Name + "-function"), fn: fn, of: fn.Runtime, run: fn.Handler, within: min(fn.Timeout, function.MaxTimeout), zip: fn.Name + ".zip", notes: notes{}}
	b.functionLacks(part.id, fn, c)
	b.role(part)
	pack := Package{Function: fn.Name, File: part.zip}
	if fn.Kind == function.InProcess {
		pack.Integration, pack.Arch = fn.Integration, "amd64"
		if slices.Contains(fn.Architectures, "arm64") {
			pack.Arch = "arm64"
		}
		if err := b.integrate(part); err != nil {
			return value{}, err
		}
	} else {
		b.environment(part)
	}
	b.packages = append(b.packages, pack)
	b.functions = append(b.functions, part)
	return arnOf(part.id), nil
}

func (b *builder) roleName(fn function.Function) value {
	return b.ask(parameter{key: fn.Name + "-role-name", about: "Name of the role of function " + fn.Name + ", to which what the mapping needs is added"})
}

// role gives a function its role: one that is made, or the one it says.
func (b *builder) role(part *functionPart) {
	r := &rolePart{of: part.fn.Name, own: part.fn.Role == "", notes: notes{}}
	if r.own {
		r.id = b.id(part.fn.Name + "-role")
		part.role = arnOf(r.id)
	} else {
		r.id, r.there = b.id(part.fn.Name+"-policy"), lit(part.fn.Role[strings.LastIndexByte(part.fn.Role, '/')+1:])
		part.role = lit(part.fn.Role)
		part.notes.add("Role", "as gantry knows it; lambda.amazonaws.com has to be allowed to assume it")
	}
	r.grants = append(r.grants, grantPart{"WriteItsLog", []string{"logs:CreateLogStream", "logs:PutLogEvents"}, []value{{kind: logOf, text: part.id + "-log"}}})
	b.roles = append(b.roles, r)
}

// environment gives a function its variables: secrets by where they are, the others as
// they are, or as parameters where they are not to be shown.
func (b *builder) environment(part *functionPart) {
	fn := part.fn
	for _, name := range slices.Sorted(maps.Keys(fn.Environment)) {
		v := lit(fn.Environment[name])
		if !b.Values {
			v = b.ask(parameter{key: fn.Name + "-" + snake(name), about: "Value of " + name + " of function " + fn.Name + ", which only an admin of gantry is shown", hidden: true})
		}
		part.env = append(part.env, variable{name, v})
	}
	for _, name := range slices.Sorted(maps.Keys(fn.Secrets)) {
		at := b.secret(fn.Secrets[name], fn.Name+"-"+snake(name)+"-secret", "ARN of the secret of Secrets Manager that "+name+" of function "+fn.Name+" is")
		part.env = append(part.env, variable{name, secretAt(at)})
		part.notes.add("Environment", name+" is the content of a secret when this is deployed; deploy again when it was rotated")
	}
	slices.SortFunc(part.env, func(x, y variable) int { return cmp.Compare(x.name, y.name) })
}

// integrate makes a ready-made function one of AWS: gantry's own binary, told by its
// environment what to be. Its secrets stay references that it resolves when it runs.
func (b *builder) integrate(part *functionPart) error {
	fn := part.fn
	sp, err := integration.Find(fn.Integration)
	if err != nil {
		return fmt.Errorf("function %s: %w", fn.Name, err)
	}
	b.lack(part.id, "Code", Feature{Name: "integration", Of: "function " + fn.Name, Here: "integration " + fn.Integration + " inside of gantry", There: "the same as a function of its own: " + part.zip + " is what gantry integration package makes"})
	part.of, part.run = "provided.al2023", "bootstrap"
	part.fn.Memory = max(part.fn.Memory, integrationMemory)
	secret := map[string]bool{}
	for _, name := range sp.Secrets(fn.Settings) {
		secret[name] = true
	}
	of := b.settings(part, sp, secret)
	slices.SortFunc(part.env, func(x, y variable) int { return cmp.Compare(x.name, y.name) })
	r := b.roles[len(b.roles)-1]
	for i, statement := range sp.Statements(fn.Settings) {
		r.grants = append(r.grants, grantPart{fmt.Sprintf("UseTheService%d", i+1), statement.Action, literals(statement.Resource)})
	}
	r.readSecrets(of)
	return nil
}

// settings gives a ready-made function the variables that its settings are, and gives the
// secrets among them. What is not to be shown is asked for.
func (b *builder) settings(part *functionPart, sp sink.Spec, secret map[string]bool) []value {
	fn := part.fn
	var secrets []value
	for _, name := range slices.Sorted(maps.Keys(fn.Settings)) {
		v, text := lit(fn.Settings[name]), fn.Settings[name]
		switch {
		case secret[name]:
			v = b.secret(text, fn.Name+"-"+snake(name)+"-secret", "ARN of the secret of Secrets Manager that setting "+name+" of "+fn.Name+" is")
			secrets = append(secrets, v)
		case !b.Values:
			v = b.ask(parameter{key: fn.Name + "-" + snake(name), about: "Setting " + name + " of function " + fn.Name + ", which only an admin of gantry is shown", hidden: true})
		}
		part.env = append(part.env, variable{sink.Variable(name), v})
	}
	part.env = append(part.env, variable{sink.EnvironmentName, lit(sp.Name)})
	return secrets
}

func literals(texts []string) []value {
	var out []value
	for _, text := range texts {
		out = append(out, lit(text))
	}
	return out
}
