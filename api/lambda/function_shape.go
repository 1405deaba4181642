package lambda

import (
	"gantry/function"
	"gantry/store"
)

// functionShape is FunctionConfiguration: a function as AWS shows it. Members that AWS
// fills with a default and gantry has nothing else for carry that default.
type functionShape struct {
	FunctionName     string            `json:"FunctionName"`
	FunctionArn      string            `json:"FunctionArn"`
	Runtime          string            `json:"Runtime,omitempty"`
	Role             string            `json:"Role,omitempty"`
	Handler          string            `json:"Handler,omitempty"`
	CodeSize         int64             `json:"CodeSize"`
	CodeSha256       string            `json:"CodeSha256,omitempty"`
	Description      string            `json:"Description"`
	Timeout          int               `json:"Timeout"`
	MemorySize       int               `json:"MemorySize"`
	LastModified     string            `json:"LastModified"`
	Version          string            `json:"Version"`
	Environment      *environment      `json:"Environment,omitempty"`
	TracingConfig    map[string]string `json:"TracingConfig"`
	RevisionId       string            `json:"RevisionId"`
	State            string            `json:"State"`
	LastUpdateStatus string            `json:"LastUpdateStatus"`
	PackageType      string            `json:"PackageType"`
	Architectures    []string          `json:"Architectures"`
	EphemeralStorage map[string]int    `json:"EphemeralStorage"`
	SnapStart        map[string]string `json:"SnapStart"`
	LoggingConfig    map[string]string `json:"LoggingConfig"`
}

type environment struct {
	Variables map[string]string `json:"Variables,omitempty"`
	Error     *environmentError `json:"Error,omitempty"`
}

type environmentError struct {
	ErrorCode string `json:"ErrorCode"`
	Message   string `json:"Message"`
}

// hide leaves out the values of variables, with the member AWS answers to a caller who
// may not use the key they are encrypted with.
func (f *functionShape) hide() {
	if f.Environment != nil {
		f.Environment = &environment{Error: &environmentError{"AccessDeniedException", "The values of environment variables are shown to keys with the role admin"}}
	}
}

// functions are the stored functions, by name.
func (s *Server) functions() store.Typed[function.Function] { return store.FunctionsOf(s.cfg.Store) }

func (s *Server) functionShape(f *function.Function) *functionShape {
	shape := &functionShape{
		FunctionName: f.Name, FunctionArn: s.functionARN(f.Name, ""), Runtime: f.Runtime, Role: f.Role,
		Handler: f.Handler, CodeSize: f.Code.Size, CodeSha256: f.Code.SHA256, Description: f.Description,
		Timeout: int(f.Timeout.Seconds()), MemorySize: f.Memory, LastModified: stamp(f.LastModified),
		Version: latest, TracingConfig: map[string]string{"Mode": "PassThrough"}, RevisionId: f.RevisionID,
		State: "Active", LastUpdateStatus: "Successful", PackageType: "Zip", Architectures: f.Architectures,
		EphemeralStorage: map[string]int{"Size": 512},
		SnapStart:        map[string]string{"ApplyOn": "None", "OptimizationStatus": "Off"},
		LoggingConfig:    map[string]string{"LogFormat": "Text", "LogGroup": logGroup(f.Name)},
	}
	if len(shape.Architectures) == 0 {
		shape.Architectures = []string{defaultArchitecture}
	}
	if len(f.Environment) > 0 {
		shape.Environment = &environment{Variables: f.Environment}
	}
	return shape
}

// versionShape is the same with the ARN of a version, as lists of versions have it.
func (s *Server) versionShape(f *function.Function) *functionShape {
	shape := s.functionShape(f)
	shape.FunctionArn = s.functionARN(f.Name, latest)
	return shape
}

func logGroup(name string) string { return "/aws/lambda/" + name }
