package cli

import (
	"archive/zip"
	"cmp"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"gantry/integration"
	"gantry/sink"
)

// packageFlags are how a package is made.
type packageFlags struct {
	file     string
	arch     string
	binary   string
	given    []string // NAME=VALUE
	settings map[string]string
	function string
	role     string
	timeout  int
	memory   int
}

// packaged is what was made, and how AWS Lambda is told of it.
type packaged struct {
	Integration string            `json:"integration"`
	File        string            `json:"file"`
	Bytes       int64             `json:"bytes"`
	Arch        string            `json:"architecture"`
	Environment map[string]string `json:"environment"`
	Command     string            `json:"command"`
	Policy      []sink.Statement  `json:"policy,omitempty"`
}

func (a *app) integrationCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "integration", Short: "Make an integration a function of its own in AWS Lambda",
		Example: "  gantry integration package http -o http.zip",
		Args:    args(cobra.NoArgs),
		RunE:    func(c *cobra.Command, _ []string) error { return usage(c, errors.New("want package NAME")) },
	}
	c.AddCommand(a.integrationPackageCommand())
	return c
}

func (a *app) integrationPackageCommand() *cobra.Command {
	var f packageFlags
	c := &cobra.Command{
		Use:   "package NAME",
		Short: "Write an integration as a deployment package of AWS Lambda",
		Long: `Package writes a zip whose bootstrap is gantry's own Linux binary: started by AWS Lambda
(runtime provided.al2023) it is the integration that its environment names, and nothing
else. It is a function of a Kafka event source mapping like any other, in AWS as here; give
the mapping ReportBatchItemFailures.

The settings go into the environment. One that is a secret stays a reference: the ARN of a
secret of AWS Secrets Manager, or secret:NAME for one of the function's own account.
-o json prints what was made; -o FILE and --file FILE name the zip.`,
		Example: `  gantry integration package http -o http.zip --setting url=https://api.example.com/orders
  gantry integration package http --file http.zip --arch arm64 --binary ./gantry-linux-arm64 -o json`,
		Args:        args(cobra.ExactArgs(1)),
		Annotations: map[string]string{outputs: anyFile},
		RunE: func(c *cobra.Command, given []string) error {
			if a.output != "table" && a.output != "json" {
				if f.file != "" {
					return usage(c, errors.New("-o and --file both name the zip; keep one"))
				}
				f.file, a.output = a.output, "table"
			}
			return a.packageIntegration(c, given[0], f)
		},
	}
	flags := c.Flags()
	flags.StringVar(&f.file, "file", "", "the zip (default NAME.zip)")
	flags.StringVar(&f.arch, "arch", runtime.GOARCH, "amd64 or arm64, as the function's architecture")
	flags.StringVar(&f.binary, "binary", "", "gantry's Linux binary of that architecture (default: this one, where it is)")
	flags.StringArrayVar(&f.given, "setting", nil, "NAME=VALUE, as often as needed: checked, and printed as environment")
	flags.StringVar(&f.function, "function", "", "the function's name in the printed command (default gantry-NAME)")
	flags.StringVar(&f.role, "role", "arn:aws:iam::ACCOUNT:role/ROLE", "its role in the printed command")
	flags.IntVar(&f.timeout, "timeout", 60, "its timeout in the printed command, seconds")
	flags.IntVar(&f.memory, "memory", 512, "its memory in the printed command, MB")
	return c
}

func (a *app) packageIntegration(c *cobra.Command, name string, f packageFlags) error {
	sp, err := integration.Find(name)
	if err != nil {
		return usage(c, err)
	}
	if f.arch != "amd64" && f.arch != "arm64" {
		return usage(c, fmt.Errorf("--arch %s: want amd64 or arm64", f.arch))
	}
	f.settings = map[string]string{}
	for _, pair := range f.given {
		setting, value, ok := strings.Cut(pair, "=")
		if !ok {
			return usage(c, fmt.Errorf("--setting %s: want NAME=VALUE", pair))
		}
		f.settings[setting] = value
	}
	if len(f.settings) > 0 {
		if err := sp.Check(f.settings); err != nil {
			return usage(c, fmt.Errorf("--setting: %w", err))
		}
	}
	binary, note, err := linuxBinary(f)
	if err != nil {
		return err
	}
	if note != "" {
		fmt.Fprintln(a.Err, "gantry: note:", note)
	}
	f.file = cmp.Or(f.file, name+".zip")
	size, err := writePackage(f.file, binary)
	if err != nil {
		return err
	}
	out := packaged{Integration: name, File: f.file, Bytes: size, Arch: f.arch, Policy: sp.Statements(f.settings), Environment: sp.Environment(f.settings)}
	out.Command = f.command(name, out.Environment)
	return a.show(out, func(w io.Writer) {
		fmt.Fprintf(w, "%s: %d bytes, bootstrap for linux/%s\n\n%s\n", out.File, out.Bytes, out.Arch, out.Command)
	})
}

// linuxBinary finds gantry's binary for the function, and looks whether it is what it is
// taken for: AWS would only say that the function does not start.
func linuxBinary(f packageFlags) (path, note string, err error) {
	path = f.binary
	if path == "" {
		own, err := os.Executable()
		if err != nil {
			return "", "", fmt.Errorf("find gantry's own binary: %w; name one with --binary", err)
		}
		path = own
	}
	machine := map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}[f.arch]
	file, err := elf.Open(path)
	if err != nil {
		return "", "", fmt.Errorf("%s is no Linux binary (%w): get gantry for linux/%s of this version (a release has it; GOOS=linux GOARCH=%s go build ./cmd/gantry makes it) and name it with --binary",
			path, err, f.arch, f.arch)
	}
	defer file.Close()
	if file.Machine != machine {
		return "", "", fmt.Errorf("%s is for %s: get gantry for linux/%s of this version (a release has it; GOOS=linux GOARCH=%s go build ./cmd/gantry makes it) and name it with --binary, or choose another --arch",
			path, file.Machine, f.arch, f.arch)
	}
	for _, p := range file.Progs {
		if p.Type == elf.PT_INTERP {
			note = fmt.Sprintf("%s is linked against this system's libraries, and AWS Lambda may have older ones: build gantry with CGO_ENABLED=0, or take a release", path)
		}
	}
	return path, note, nil
}

// writePackage makes the zip appear whole. Its bytes depend on the binary alone.
func writePackage(name, binary string) (size int64, err error) {
	in, err := os.Open(binary)
	if err != nil {
		return 0, err
	}
	defer in.Close()
	out, err := os.CreateTemp(filepath.Dir(name), ".gantry-package-*")
	if err != nil {
		return 0, fmt.Errorf("write the package: %w", err)
	}
	defer func() {
		err = errors.Join(err, out.Close())
		if err == nil {
			err = os.Rename(out.Name(), name)
		}
		if err != nil {
			_ = os.Remove(out.Name())
		}
	}()
	z := zip.NewWriter(out)
	header := &zip.FileHeader{Name: "bootstrap", Method: zip.Deflate}
	header.SetMode(0o755)
	w, err := z.CreateHeader(header)
	if err != nil {
		return 0, err
	}
	if _, err = io.Copy(w, in); err != nil {
		return 0, fmt.Errorf("write the package: %w", err)
	}
	if err = z.Close(); err != nil {
		return 0, fmt.Errorf("write the package: %w", err)
	}
	if err := out.Chmod(0o644); err != nil {
		return 0, err
	}
	info, err := out.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// command is the line that makes the function in AWS.
func (f packageFlags) command(name string, environment map[string]string) string {
	arch := map[string]string{"amd64": "x86_64", "arm64": "arm64"}[f.arch]
	return fmt.Sprintf(`aws lambda create-function --function-name %s \
  --runtime provided.al2023 --handler bootstrap --architectures %s \
  --zip-file fileb://%s --role %s --timeout %d --memory-size %d \
  --environment %s`, cmp.Or(f.function, "gantry-"+name), arch, f.file, f.role, f.timeout, f.memory, shellJSON(environment))
}

// shellJSON writes variables for a shell and the aws CLI: JSON in single quotes.
func shellJSON(environment map[string]string) string {
	var pairs []string
	for name, value := range environment {
		pairs = append(pairs, fmt.Sprintf("%s:%s", strconv.Quote(name), strconv.Quote(value)))
	}
	slices.Sort(pairs)
	return "'" + strings.ReplaceAll(`{"Variables":{`+strings.Join(pairs, ",")+"}}", "'", `'\''`) + "'"
}
