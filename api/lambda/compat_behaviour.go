package lambda

import (
	"slices"
	"strings"

	"gantry/mapping"
)

// Behaviour is something the API does that is no member of a shape.
type Behaviour struct {
	Subject  string
	Standing Standing
	Note     string
}

// Behaviours lists what the API does beyond its members, for docs/compatibility.md.
func Behaviours() []Behaviour { return slices.Clone(behaviours) }

var behaviours = []Behaviour{
	{"paths", Same, "with and without a slash at the end; ARNs percent-encoded or plain"},
	{"errors", Same, "the exception in x-amzn-ErrorType, the text under message or Message as AWS's model has it, Type User or Service"},
	{"status codes", Same, "202 with the mapping for its creation, update and deletion, 204 for tags, 201 for a new function"},
	{"times of a mapping", Same, "LastModified and StartingPositionTimestamp are numbers of seconds; those of a function are text"},
	{"Content-Type of a request", Same, "not looked at, as the SDKs send different ones"},
	{"constraint failures", Same, "every broken constraint of a request in one ValidationException"},
	{"several faults", Chosen, "everything else that is wrong with a request in one InvalidParameterValueException, joined by semicolons"},
	{"JSON that does not fit", Chosen, "SerializationException, 400, naming the member"},
	{"unknown members", Same, "ignored; members AWS knows and gantry does not do yet are refused by name"},
	{"members with nothing in them", Same, "null, \"\", [], {} and false of a refused member are taken, as they ask for nothing"},
	{"unknown operations", Chosen, "UnknownOperationException, 404, naming method and path"},
	{"CreateEventSourceMapping, cluster that can't be reached or refuses", Chosen, "InvalidParameterValueException with the diagnosis, nothing is stored; AWS creates the mapping and shows the problem later"},
	{"CreateEventSourceMapping, brokers without SourceAccessConfigurations", Chosen, "taken for brokers on loopback and those of a cluster in the configuration; otherwise AWS's error"},
	{"CreateEventSourceMapping, same function, source and topic", Same, "ResourceConflictException; sources are the same with one broker in common"},
	{"CreateEventSourceMapping, a group id that is in use", Chosen, "ResourceConflictException, also while the other mapping is being deleted"},
	{"CreateEventSourceMapping, function with a timeout over 14 minutes", Chosen, "InvalidParameterValueException; raising the timeout later is refused too"},
	{"UpdateEventSourceMapping, source members", Chosen, "refused, where AWS's shape has no such members"},
	{"UpdateEventSourceMapping while Creating, Updating or Deleting", Same, "ResourceInUseException, 400"},
	{"UpdateEventSourceMapping with {} or \"\"", Same, "FilterCriteria, ProvisionedPollerConfig and Destination are removed"},
	{"DeleteEventSourceMapping", Same, "Deleting until what runs has stopped and left its group, then 404; ResourceInUseException while Updating"},
	{"LastProcessingResult, StateTransitionReason", Same, "AWS's texts and codes where it has one for the problem ([errors](errors.md)); what gantry adds begins with PROBLEM: too"},
	{"states", Chosen, "Creating, Enabling, Disabling, Updating until this process has taken up the change; a mapping that runs with a problem is Enabled"},
	{"mappings and functions of a configuration file", Chosen, "can be changed through the API; the file's version returns when it is applied again"},
	{"functions that run in AWS, behind HTTP or inside gantry", Beyond, "listed with gantry's ARN; Code.RepositoryType and Code.Location say where they run"},
	{"DeleteFunction of a function that mappings invoke", Same, "allowed; their batches wait and LastProcessingResult says why"},
	{"GetFunction's Code.Location", Same, "a signed URL of this gantry, ten minutes, no credentials needed"},
	{"AddPermission, RemovePermission, GetPolicy", Chosen, "the policy is stored and shown and decides nothing; who may do what is told by the roles of gantry's keys ([roles](roles.md))"},
	{"GetRuntimeManagementConfig, GetFunctionCodeSigningConfig, ListLayers, GetAccountSettings", Same, "AWS's answer for a function or an account that has nothing of it"},
	{"AccessDeniedException", Same, "403 when the key's role is too low, before anything of the request is read"},
	{"Environment in answers", Chosen, "its values are shown to admins; others get Environment.Error with AccessDeniedException, as AWS answers callers without the KMS key, and no Code.Location"},
	{"qualifiers", NotYet, "only $LATEST; others are refused by name"},
	{"Invoke without a payload", Same, "the function gets {}"},
	{"Invoke with InvocationType Event", Same, "202, no body; two retries after one and two minutes, what is not reached is tried again for 6 h; a reserved concurrency of 0 gives events up at once"},
	{"events that wait, after a crash", Same, "they are in the data directory; one that was being run is run again: at least once, as in Lambda"},
	{"events that wait, most of them", Chosen, "10,000 a function and 512 MiB of payload in all, then TooManyRequestsException; AWS has no such bound and a rate instead"},
	{"events of a function that is deleted", Same, "dropped with it, with a line in the log"},
	{"a destination of events that can't be reached", Chosen, "tried until it can; AWS counts a DestinationDeliveryFailure and drops the event"},
	{"Invoke over its concurrency", Same, "TooManyRequestsException with Reason and Retry-After"},
	{"Invoke of a target that can't be reached or gave no answer", Chosen, "ServiceException, saying whether it may have run"},
	{"Invoke of a function that can't be made ready", Chosen, "InvalidParameterValueException with the cause"},
	{"RevisionId", Chosen, "changes with code and configuration, not with tags and concurrency"},
	{"tags", Same, "50 a resource; keys that begin with aws: are reserved"},
	{"tags of a mapping that begin with gantry:", Beyond, "options of gantry: " + optionTags() + "; another one or a value it does not take is refused by CreateEventSourceMapping, TagResource and UntagResource; a change of one is an update of the mapping"},
}

// optionTags lists the tags that are options, with what they take.
func optionTags() string {
	var list []string
	for _, o := range mapping.Options() {
		list = append(list, o.Key()+" ("+o.Values+")")
	}
	return strings.Join(list, ", ")
}
