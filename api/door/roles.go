package door

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
)

// The APIs, as the names of their operations begin.
const (
	LambdaAPI = "lambda:"
	AdminAPI  = "gantry:"
)

// needs is the table of what each operation of both APIs asks of a key. A viewer reads
// what runs, never a payload, a secret or the words of a function. An operator keeps it
// running: pauses, skips, invokes, writes to topics. What decides which code runs, with
// whose data, is an admin's. An operation that is missing here is an admin's too; a test
// demands that none is.
var needs = map[string]Role{
	"lambda:AddPermission":                   Admin,
	"lambda:CreateEventSourceMapping":        Admin,
	"lambda:CreateFunction":                  Admin,
	"lambda:DeleteEventSourceMapping":        Admin,
	"lambda:DeleteFunction":                  Admin,
	"lambda:DeleteFunctionConcurrency":       Operator,
	"lambda:DeleteFunctionEventInvokeConfig": Admin,
	"lambda:GetFunctionEventInvokeConfig":    Viewer,
	"lambda:ListFunctionEventInvokeConfigs":  Viewer,
	"lambda:PutFunctionEventInvokeConfig":    Admin,
	"lambda:UpdateFunctionEventInvokeConfig": Admin,
	"lambda:GetAccountSettings":              Viewer,
	"lambda:GetEventSourceMapping":           Viewer,
	"lambda:GetFunction":                     Viewer,
	"lambda:GetFunctionCodeSigningConfig":    Viewer,
	"lambda:GetFunctionConcurrency":          Viewer,
	"lambda:GetFunctionConfiguration":        Viewer,
	"lambda:GetPolicy":                       Viewer,
	"lambda:GetRuntimeManagementConfig":      Viewer,
	"lambda:Invoke":                          Operator,
	"lambda:ListEventSourceMappings":         Viewer,
	"lambda:ListFunctions":                   Viewer,
	"lambda:ListLayers":                      Viewer,
	"lambda:ListTags":                        Viewer,
	"lambda:ListVersionsByFunction":          Viewer,
	"lambda:PutFunctionConcurrency":          Operator,
	"lambda:RemovePermission":                Admin,
	"lambda:TagResource":                     Admin,
	"lambda:UntagResource":                   Admin,
	"lambda:UpdateEventSourceMapping":        Admin,
	"lambda:UpdateFunctionCode":              Admin,
	"lambda:UpdateFunctionConfiguration":     Admin,

	"gantry:acceptLoss":         Operator,
	"gantry:apply":              Admin,
	"gantry:backup":             Admin,
	"gantry:examineAWS":         Operator,
	"gantry:examineCluster":     Operator,
	"gantry:examineMapping":     Operator,
	"gantry:export":             Viewer,
	"gantry:handOver":           Admin,
	"gantry:getAccessLists":     Viewer,
	"gantry:getPolicy":          Viewer,
	"gantry:deleteFunction":     Admin,
	"gantry:deleteMapping":      Admin,
	"gantry:getFunction":        Viewer,
	"gantry:getFunctionLogs":    Operator,
	"gantry:getMapping":         Viewer,
	"gantry:getOffsets":         Viewer,
	"gantry:getOpenAPI":         Viewer,
	"gantry:getStatus":          Viewer,
	"gantry:listDeadLetters":    Operator,
	"gantry:redriveDeadLetters": Operator,
	"gantry:showDeadLetter":     Operator,
	"gantry:listFunctions":      Viewer,
	"gantry:listLosses":         Viewer,
	"gantry:listMappings":       Viewer,
	"gantry:listMigrations":     Viewer,
	"gantry:getMigration":       Viewer,
	"gantry:getLedger":          Operator,
	"gantry:watchMigration":     Viewer,
	"gantry:showShadow":         Operator, // it shows records
	"gantry:predictMigration":   Operator,
	"gantry:runMigration":       Operator,
	"gantry:approveMigration":   Operator,
	"gantry:putMigration":       Admin,
	"gantry:deleteMigration":    Admin,
	"gantry:recoverMigration":   Admin,
	"gantry:pauseMapping":       Operator,
	"gantry:produce":            Operator,
	"gantry:resetOffsets":       Operator,
	"gantry:resumeMapping":      Operator,
	"gantry:showRecords":        Operator,
	"gantry:skipRecords":        Operator,
	"gantry:tailMapping":        Viewer,
}

// ranks order the roles: each may what those below it may.
var ranks = map[Role]int{Viewer: 1, Operator: 2, Admin: 3}

// Operations lists the operations of the table, in order of name.
func Operations() []string { return slices.Sorted(maps.Keys(needs)) }

// Needs gives the role an operation asks for.
func Needs(operation string) Role { return cmp.Or(needs[operation], Admin) }

// Allow says why the caller of a request may not do an operation, nil when it may. The
// text is for the caller. A context the door has not made allows nothing.
func Allow(ctx context.Context, operation string) error {
	need, has := Needs(operation), RoleOf(ctx)
	if ranks[has] >= ranks[need] {
		return nil
	}
	return fmt.Errorf("User: %s is not authorized to perform: %s because its role is %s and the operation needs the role %s", //nolint:staticcheck // AWS's own text
		Actor(ctx), operation, cmp.Or(string(has), "none"), need)
}

// MaySeeSecrets says whether a caller is shown the values of environment variables and
// the code of functions: those who may change them.
func MaySeeSecrets(ctx context.Context) bool { return RoleOf(ctx) == Admin }
