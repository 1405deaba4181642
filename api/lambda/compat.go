package lambda

import "slices"

// Standing says how gantry answers a member of AWS's model compared with AWS.
type Standing string

// The standings. NotYet and NotKafka members are refused by name when a request gives
// them another value than AWS's default; docs/compatibility.md is made from this list.
const (
	Same     Standing = "same"      // as AWS documents it
	Chosen   Standing = "chosen"    // AWS is silent or it can't be the same here; the note says what gantry does
	NotYet   Standing = "not yet"   // AWS has it, gantry refuses it by name
	NotKafka Standing = "not Kafka" // belongs to other event sources; refused by name
	Beyond   Standing = "beyond"    // more than AWS has, opt-in
	Absent   Standing = "not shown" // a member of an answer that gantry has no value for
)

// Member is one member of a request or an answer. Inner members are written with dots.
type Member struct {
	Name     string
	Standing Standing
	Note     string
	Accepts  []string // JSON values of a NotYet member that are AWS's default: taken, echoed where AWS echoes them
}

// Operation is one operation or answer shape of AWS's model with its members.
type Operation struct {
	Name    string
	Members []Member
}

// Compatibility lists every operation gantry answers and the shapes of its answers,
// with the standing of each member. A test holds it against the AWS SDK for Go.
func Compatibility() []Operation {
	return slices.Concat(mappingMembers, functionMembers, answerMembers)
}

// Unanswered lists the operations of AWS's model that gantry does not answer.
func Unanswered() []string { return slices.Clone(unanswered) }

func membersOf(operation string) []Member {
	for _, table := range [][]Operation{mappingMembers, functionMembers} {
		for _, o := range table {
			if o.Name == operation {
				return o.Members
			}
		}
	}
	return nil
}

var unanswered = []string{
	"AddLayerVersionPermission", "CheckpointDurableExecution", "CreateAlias",
	"CreateCapacityProvider", "CreateCodeSigningConfig", "CreateFunctionUrlConfig", "DeleteAlias",
	"DeleteCapacityProvider", "DeleteCodeSigningConfig", "DeleteFunctionCodeSigningConfig",
	"DeleteFunctionUrlConfig", "DeleteLayerVersion",
	"DeleteProvisionedConcurrencyConfig", "DeleteResourcePolicy", "GetAlias", "GetCapacityProvider",
	"GetCodeSigningConfig", "GetDurableExecution", "GetDurableExecutionHistory", "GetDurableExecutionState",
	"GetFunctionRecursionConfig", "GetFunctionScalingConfig",
	"GetFunctionUrlConfig", "GetLayerVersion", "GetLayerVersionByArn", "GetLayerVersionPolicy",
	"GetProvisionedConcurrencyConfig", "GetResourcePolicy", "InvokeAsync",
	"InvokeWithResponseStream", "ListAliases", "ListCapacityProviders", "ListCodeSigningConfigs",
	"ListDurableExecutionsByFunction", "ListFunctionUrlConfigs",
	"ListFunctionVersionsByCapacityProvider", "ListFunctionsByCodeSigningConfig", "ListLayerVersions",
	"ListProvisionedConcurrencyConfigs", "PublishLayerVersion", "PublishVersion",
	"PutFunctionCodeSigningConfig", "PutFunctionRecursionConfig",
	"PutFunctionScalingConfig", "PutProvisionedConcurrencyConfig", "PutResourcePolicy",
	"PutRuntimeManagementConfig", "RemoveLayerVersionPermission",
	"SendDurableExecutionCallbackFailure", "SendDurableExecutionCallbackHeartbeat",
	"SendDurableExecutionCallbackSuccess", "StopDurableExecution", "UpdateAlias", "UpdateCapacityProvider",
	"UpdateCodeSigningConfig", "UpdateFunctionUrlConfig",
}
