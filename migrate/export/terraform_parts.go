package export

import (
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"

	"gantry/mapping"
)

func number(n int) cty.Value { return cty.NumberIntVal(int64(n)) }

// function writes a function with its log group.
func (t *sheet) function(f *functionPart) {
	log := t.block(notes{}, "resource", "aws_cloudwatch_log_group", snake(f.id+"-log"))
	t.set(log, "name", lit("/aws/lambda/"+f.fn.Name))
	log.SetAttributeValue("retention_in_days", number(logDays))

	variables := map[string]hclwrite.Tokens{}
	for _, v := range f.env { // before the block: a secret has a data source of its own
		variables[v.name] = t.tokens(v.value)
	}
	fn := t.block(t.gathered(f.notes, "Code", "Role", "Environment", "Timeout"), "resource", "aws_lambda_function", snake(f.id))
	t.set(fn, "function_name", lit(f.fn.Name))
	if f.fn.Description != "" {
		t.set(fn, "description", lit(f.fn.Description))
	}
	fn.SetAttributeRaw("filename", words(`"${path.module}/`+f.zip+`"`))
	fn.SetAttributeRaw("source_code_hash", words(`filebase64sha256("${path.module}/`+f.zip+`")`))
	t.set(fn, "runtime", lit(f.of))
	t.set(fn, "handler", lit(f.run))
	fn.SetAttributeValue("memory_size", number(f.fn.Memory))
	fn.SetAttributeValue("timeout", number(seconds(f.within)))
	t.set(fn, "role", f.role)
	if len(f.fn.Architectures) > 0 {
		t.list(fn, "architectures", literals(f.fn.Architectures))
	}
	if f.fn.Concurrency != nil {
		fn.SetAttributeValue("reserved_concurrent_executions", number(*f.fn.Concurrency))
	}
	t.labels(fn, f.fn.Tags)
	if len(f.env) > 0 {
		var attributes []hclwrite.ObjectAttrTokens
		for _, v := range f.env {
			attributes = append(attributes, hclwrite.ObjectAttrTokens{Name: words(v.name), Value: variables[v.name]})
		}
		fn.AppendNewBlock("environment", nil).Body().SetAttributeRaw("variables", hclwrite.TokensForObject(attributes))
	}
	fn.SetAttributeRaw("depends_on", words("[aws_cloudwatch_log_group."+snake(f.id+"-log")+"]"))
	t.asynchronous(f)
}

// gathered puts the notes of some places before the whole: in Terraform a resource is short.
func (t *sheet) gathered(n notes, places ...string) notes {
	all := n[""]
	for _, place := range places {
		all = append(all, n[place]...)
	}
	return notes{"": all}
}

func (t *sheet) labels(to *hclwrite.Body, tags map[string]string) {
	if len(tags) == 0 {
		return
	}
	values := map[string]cty.Value{}
	for key, text := range tags {
		values[key] = cty.StringVal(text)
	}
	to.SetAttributeValue("tags", cty.MapVal(values))
}

func (t *sheet) asynchronous(f *functionPart) {
	a := f.fn.Async
	if a == nil || a.Retries == nil && a.MaxAge == 0 {
		return
	}
	to := t.block(notes{}, "resource", "aws_lambda_function_event_invoke_config", snake(f.id+"-async"))
	to.SetAttributeRaw("function_name", words("aws_lambda_function."+snake(f.id)+".function_name"))
	if a.Retries != nil {
		to.SetAttributeValue("maximum_retry_attempts", number(*a.Retries))
	}
	if a.MaxAge > 0 {
		to.SetAttributeValue("maximum_event_age_in_seconds", number(seconds(a.MaxAge)))
	}
}

// role writes a role that is made, or a policy for one that is there.
func (t *sheet) role(r *rolePart) {
	name := snake(r.id)
	document := t.block(r.notes, "data", "aws_iam_policy_document", name)
	for _, g := range r.grants {
		s := document.AppendNewBlock("statement", nil).Body()
		t.set(s, "sid", lit(g.sid))
		t.list(s, "actions", literals(g.actions))
		t.list(s, "resources", g.resources)
	}
	if r.own {
		trust := t.block(notes{}, "data", "aws_iam_policy_document", name+"_trust").AppendNewBlock("statement", nil).Body()
		t.list(trust, "actions", literals([]string{"sts:AssumeRole"}))
		who := trust.AppendNewBlock("principals", nil).Body()
		t.set(who, "type", lit("Service"))
		t.list(who, "identifiers", literals([]string{"lambda.amazonaws.com"}))
		role := t.block(notes{}, "resource", "aws_iam_role", name)
		t.set(role, "name_prefix", lit(prefix(r.of)))
		role.SetAttributeRaw("assume_role_policy", words("data.aws_iam_policy_document."+name+"_trust.json"))
	}
	policy := t.block(notes{}, "resource", "aws_iam_role_policy", name)
	if r.own {
		policy.SetAttributeRaw("role", words("aws_iam_role."+name+".id"))
	} else {
		t.set(policy, "role", r.there)
	}
	policy.SetAttributeRaw("policy", words("data.aws_iam_policy_document."+name+".json"))
}

// prefix is a function's name as far as a role's name may begin with it.
func prefix(name string) string {
	const most = 37 // the provider adds 26 characters, and there may be 64
	return name[:min(len(name), most)] + "-"
}

// source writes an event source mapping.
func (t *sheet) source(s *sourcePart) {
	to := t.block(notes{"": s.notes[""]}, "resource", "aws_lambda_event_source_mapping", snake(s.id))
	note := func(place string) { comment(to, s.notes[place]) }
	note("FunctionName")
	t.set(to, "function_name", s.function)
	to.SetAttributeRaw("enabled", words("var.enabled"))
	note("Topics")
	t.list(to, "topics", literals(s.m.Source.Topics[:1]))
	note("StartingPosition")
	t.set(to, "starting_position", lit(string(s.m.Start)))
	if s.m.Start == mapping.AtTimestamp {
		t.set(to, "starting_position_timestamp", lit(s.m.StartTime.UTC().Format(time.RFC3339)))
	}
	t.controls(to, s, note)
	t.labels(to, s.tags())
	t.places(to, s, note)
	var waits []value
	for _, r := range t.b.roles {
		for _, id := range s.waits {
			if r.id == id && (r.own || len(r.grants) > 0) {
				waits = append(waits, value{kind: parameterOf, text: id})
			}
		}
	}
	if len(waits) > 0 {
		to.SetAttributeRaw("depends_on", words("[aws_iam_role_policy."+snake(waits[0].text)+"]"))
	}
}

func (t *sheet) controls(to *hclwrite.Body, s *sourcePart, note func(string)) {
	m := s.m
	to.SetAttributeValue("batch_size", number(m.BatchSize))
	if m.Window != nil {
		to.SetAttributeValue("maximum_batching_window_in_seconds", number(seconds(*m.Window)))
	}
	if m.RetryAttempts != mapping.Endless {
		to.SetAttributeValue("maximum_retry_attempts", number(m.RetryAttempts))
	}
	if m.RecordAge > 0 {
		to.SetAttributeValue("maximum_record_age_in_seconds", number(seconds(m.RecordAge)))
	}
	if m.Bisect {
		to.SetAttributeValue("bisect_batch_on_function_error", cty.True)
	}
	if m.PartialAnswers {
		t.list(to, "function_response_types", literals([]string{mapping.ReportBatchItemFailures}))
	}
	if s.arn != "" {
		note("EventSourceArn")
		t.set(to, "event_source_arn", lit(s.arn))
	}
	if m.SystemLogLevel != "" {
		note("LoggingConfig")
		comment(to, []string{"needs a version of the provider that knows logging_config"})
		t.set(to.AppendNewBlock("logging_config", nil).Body(), "system_log_level", lit(m.SystemLogLevel))
	}
	if len(m.Metrics) > 0 {
		t.list(to.AppendNewBlock("metrics_config", nil).Body(), "metrics", literals(m.Metrics))
	}
}

// places are the blocks of a mapping.
func (t *sheet) places(to *hclwrite.Body, s *sourcePart, note func(string)) {
	kind := "self_managed_kafka_event_source_config"
	if s.arn == "" {
		note("SelfManagedEventSource")
		var list string
		for i, address := range s.bootstrap {
			if i > 0 {
				list += ","
			}
			list += address
		}
		to.AppendNewBlock("self_managed_event_source", nil).Body().
			SetAttributeValue("endpoints", cty.MapVal(map[string]cty.Value{"KAFKA_BOOTSTRAP_SERVERS": cty.StringVal(list)}))
	} else {
		kind = "amazon_managed_kafka_event_source_config"
	}
	t.set(to.AppendNewBlock(kind, nil).Body(), "consumer_group_id", lit(s.group))
	note("SourceAccessConfigurations")
	for _, a := range s.access {
		entry := to.AppendNewBlock("source_access_configuration", nil).Body()
		t.set(entry, "type", lit(a.kind))
		if a.uri != nil {
			t.set(entry, "uri", *a.uri)
		}
	}
	note("FilterCriteria")
	if len(s.filters) > 0 {
		criteria := to.AppendNewBlock("filter_criteria", nil).Body()
		for _, pattern := range s.filters {
			t.set(criteria.AppendNewBlock("filter", nil).Body(), "pattern", lit(pattern))
		}
	}
	note("DestinationConfig")
	if strings.HasPrefix(s.m.OnFailure, "kafka://") {
		comment(to, []string{"needs a version of the provider that takes kafka:// here"})
	}
	if s.m.OnFailure != "" {
		t.set(to.AppendNewBlock("destination_config", nil).Body().AppendNewBlock("on_failure", nil).Body(), "destination_arn", lit(s.m.OnFailure))
	}
	note("ProvisionedPollerConfig")
	if p := s.pollers; p != nil {
		config := to.AppendNewBlock("provisioned_poller_config", nil).Body()
		config.SetAttributeValue("minimum_pollers", number(p.Minimum))
		config.SetAttributeValue("maximum_pollers", number(p.Maximum))
	}
}
