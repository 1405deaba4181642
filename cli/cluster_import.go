package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/spf13/cobra"

	"gantry/kafka"
)

func (a *app) clusterCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "cluster", Short: "Bring Kafka clusters into the configuration",
		Example: "  gantry cluster import client.properties --dry-run",
	}
	c.AddCommand(a.clusterImportCommand())
	return c
}

func (a *app) clusterImportCommand() *cobra.Command {
	var in clusterImport
	c := &cobra.Command{
		Use: "import CLIENT.PROPERTIES", Short: "Make an entry of clusters: of a Java client's file",
		Long: `Import reads the file Kafka's own clients take, with its JAAS line, its JKS, PKCS#12 and PEM
stores and its config providers, and prints the same as an entry of clusters:. Passwords,
keys and certificates go into files of their own (mode 0600), which the entry refers to; none
is printed. Private keys are written without encryption.
What the file says and gantry can't do is named, all of it at once, and nothing is written.
What is ignored is named with the reason. It needs no running gantry and connects to nothing.
--dry-run writes nothing and shows what would be.`,
		Example: `  gantry cluster import client.properties --dry-run
  gantry cluster import client.properties --name legacy --write legacy.yaml
  gantry cluster import client.properties -o json | jq .ignored`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(_ *cobra.Command, words []string) error {
			in.file = words[0]
			return a.clusterImport(in)
		},
	}
	c.Flags().StringVar(&in.name, "name", "", "the entry's name (default: that of the file)")
	c.Flags().StringVar(&in.write, "write", "", "write the entry into this new file instead of printing it")
	c.Flags().StringVar(&in.secrets, "secrets-dir", "", "folder for the secrets' files (default: secrets/NAME)")
	c.Flags().BoolVar(&in.force, "force", false, "replace files that are there")
	c.Flags().BoolVar(&in.dryRun, "dry-run", false, "write nothing")
	return c
}

type clusterImport struct {
	file, name, write, secrets string
	force, dryRun              bool
}

// imported is the answer with -o json.
type imported struct {
	Name     string         `json:"name"`
	Cluster  map[string]any `json:"cluster"`
	Files    []importedFile `json:"files"`
	Ignored  []kafka.Note   `json:"ignored"`
	DryRun   bool           `json:"dryRun"`
	contents [][]byte
}

// importedFile is a file of a secret, or of the entry itself.
type importedFile struct {
	Path string `json:"path"`
	What string `json:"what"`
}

func (a *app) clusterImport(in clusterImport) error {
	base := filepath.Base(in.file)
	if in.name == "" {
		in.name = strings.TrimSuffix(base, filepath.Ext(base))
	}
	if in.secrets == "" {
		in.secrets = filepath.Join(filepath.Dir(in.write), "secrets", in.name)
	}
	out, text, err := a.planImport(in)
	if err != nil {
		return err
	}
	if in.write != "" {
		out.Files = append(out.Files, importedFile{in.write, "the entry"})
		out.contents = append(out.contents, text)
	}
	if err := out.save(in); err != nil {
		return err
	}
	if a.output == "json" {
		return a.show(out, nil)
	}
	if in.write == "" || in.dryRun {
		fmt.Fprint(a.Out, string(text))
	}
	a.tellImport(out)
	return nil
}

// planImport reads the file, and says where each secret goes.
func (a *app) planImport(in clusterImport) (imported, []byte, error) {
	out := imported{Name: in.name, Files: []importedFile{}, Ignored: []kafka.Note{}, DryRun: in.dryRun}
	read, err := kafka.FromProperties(in.file, func(name string) (string, bool) {
		value := a.Getenv(name)
		return value, value != ""
	})
	if err != nil {
		return out, nil, err
	}
	materials, err := read.Materials()
	if err != nil {
		return out, nil, err
	}
	places := map[string]string{}
	for _, m := range materials {
		path := filepath.Join(in.secrets, m.File)
		places[m.Ref] = reference(path, filepath.Dir(in.write))
		out.Files = append(out.Files, importedFile{path, m.What})
		out.contents = append(out.contents, m.Bytes())
	}
	out.Ignored = append(out.Ignored, read.Notes()...)
	entry := members(read, places)
	out.Cluster = plainMap(entry)
	text, err := yaml.MarshalWithOptions(yaml.MapSlice{{Key: "clusters", Value: yaml.MapSlice{{Key: in.name, Value: entry}}}}, yaml.IndentSequence(true))
	return out, text, err
}

// reference is a file as an entry in a folder names it.
func reference(path, folder string) string {
	if filepath.IsAbs(path) && !filepath.IsAbs(folder) {
		return "file:" + path
	}
	if within, err := filepath.Rel(folder, path); err == nil {
		path = within
	}
	return "file:./" + filepath.ToSlash(path)
}

// save writes all files, or none where one is there already.
func (i imported) save(in clusterImport) error {
	var there []error
	for _, f := range i.Files {
		if _, err := os.Lstat(f.Path); err == nil && !in.force {
			there = append(there, fmt.Errorf("%s is there already", f.Path))
		}
	}
	if len(there) > 0 {
		return fmt.Errorf("%w; nothing was written: give another --name, --secrets-dir or --write, or --force", errors.Join(there...))
	}
	if in.dryRun {
		return nil
	}
	for n, f := range i.Files {
		if err := os.MkdirAll(filepath.Dir(f.Path), 0o700); err != nil {
			return err
		}
		if err := replaceFile(f.Path, i.contents[n]); err != nil {
			return fmt.Errorf("write %s: %w", f.What, err)
		}
	}
	return nil
}

// replaceFile puts a file in its place whole, readable by its owner alone.
func replaceFile(path string, content []byte) error {
	draft, err := os.CreateTemp(filepath.Dir(path), ".draft-*") // mode 0600
	if err != nil {
		return err
	}
	_, err = draft.Write(content)
	if err = errors.Join(err, draft.Close()); err == nil {
		err = os.Rename(draft.Name(), path)
	}
	if err != nil {
		_ = os.Remove(draft.Name())
	}
	return err
}

// tellImport goes to standard error: standard output is YAML alone.
func (a *app) tellImport(out imported) {
	verb := map[bool]string{true: "would write", false: "wrote"}[out.DryRun]
	for _, f := range out.Files {
		fmt.Fprintf(a.Err, "%s %s: %s\n", verb, f.Path, f.What)
	}
	for _, n := range out.Ignored {
		fmt.Fprintf(a.Err, "ignored, line %d: %s: %s\n", n.Line, n.Key, n.Why)
	}
}
