package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"gantry/migrate/export"
)

// writeExport writes a template and its packages into a folder. What can't be had is said
// and leaves the rest as it is.
func (a *app) writeExport(c *cobra.Command, f exportFlags, out export.Result, l *Local) error {
	if err := os.MkdirAll(a.output, 0o755); err != nil {
		return err
	}
	if err := a.putFile(f, out.File, []byte(out.Template)); err != nil {
		return err
	}
	for _, p := range out.Packages {
		if p.Integration != "" {
			if err := a.putIntegration(f, p); err != nil {
				fmt.Fprintf(a.Err, "gantry: %s is not written: %v\n", p.File, err)
			}
			continue
		}
		code, err := a.packageOf(c.Context(), p.Function, l)
		if err != nil {
			fmt.Fprintf(a.Err, "gantry: %s is not written: %v\n", p.File, err)
			continue
		}
		if err := a.putFile(f, p.File, code); err != nil {
			return err
		}
	}
	return nil
}

// putFile writes a file that is not there yet.
func (a *app) putFile(f exportFlags, name string, content []byte) error {
	path := filepath.Join(a.output, name)
	how := os.O_WRONLY | os.O_CREATE | os.O_EXCL
	if f.overwrite {
		how = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	}
	to, err := os.OpenFile(path, how, 0o644)
	if errors.Is(err, os.ErrExist) {
		return fmt.Errorf("%s is there already; choose another folder, or --overwrite", path)
	}
	if err != nil {
		return err
	}
	_, err = to.Write(content)
	if err := errors.Join(err, to.Close()); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	fmt.Fprintf(a.Out, "%s: %d bytes\n", path, len(content))
	return nil
}

// putIntegration writes the package of a ready-made function: gantry's own binary, where
// this one is of the function's architecture.
func (a *app) putIntegration(f exportFlags, p export.Package) error {
	path := filepath.Join(a.output, p.File)
	if _, err := os.Stat(path); err == nil && !f.overwrite {
		return fmt.Errorf("%s is there already; choose another folder, or --overwrite", path)
	}
	binary, note, err := linuxBinary(packageFlags{arch: p.Arch, binary: a.Binary})
	if err != nil {
		return err
	}
	if note != "" {
		fmt.Fprintln(a.Err, "gantry: note:", note)
	}
	size, err := writePackage(path, binary)
	if err == nil {
		fmt.Fprintf(a.Out, "%s: %d bytes\n", path, size)
	}
	return err
}

// written says whether the packages of all ready-made functions lie in the folder.
func (a *app) written(packages []export.Package) bool {
	for _, p := range packages {
		if _, err := os.Stat(filepath.Join(a.output, p.File)); p.Integration != "" && err != nil {
			return false
		}
	}
	return true
}

// packageOf gives the deployment package of a function: its folder packed, or what the
// running gantry has.
func (a *app) packageOf(ctx context.Context, name string, l *Local) ([]byte, error) {
	if l != nil {
		return pack(l.functions()[name].Code.Dir)
	}
	var fn struct {
		Code struct{ RepositoryType, Location string }
	}
	if err := a.do(ctx, call{method: http.MethodGet, path: "/2015-03-31/functions/" + url.PathEscape(name), out: &fn}); err != nil {
		return nil, err
	}
	switch fn.Code.RepositoryType {
	case "Folder":
		if _, err := os.Stat(fn.Code.Location); err != nil {
			return nil, fmt.Errorf("its code is a folder on gantry's machine: %w; write the export there", err)
		}
		return pack(fn.Code.Location)
	case "S3":
		return a.download(ctx, fn.Code.Location)
	}
	return nil, errors.New("its code is shown to admins alone; pack it yourself")
}

// download reads a signed URL of gantry's, which needs no other credentials.
func (a *app) download(ctx context.Context, location string) ([]byte, error) {
	u, err := url.Parse(location)
	if err != nil {
		return nil, err
	}
	api, err := a.client(ctx)
	if err != nil {
		return nil, err
	}
	body, err := api.Plain(ctx, u.Path, u.Query())
	if err != nil {
		return nil, err
	}
	defer func() { _ = body.Close() }()
	return io.ReadAll(body)
}
