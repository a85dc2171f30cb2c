package doctest

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/format"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"maps"
	"os"
	"os/exec"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A program is the Go code of one page for one host. What a block declares is known to the others.
type program struct {
	page     string
	host     host
	fset     *token.FileSet
	files    []*ast.File
	complete map[string]bool // names of files that are complete, from the package clause on

	unformatted []string // names of files
}

// A host is what handlers run on.
type host string

const (
	echo4   host = "Echo 4"
	echo5   host = "Echo 5"
	netHTTP host = "net/http"
)

// Compile type-checks the Go code of all pages that a module can compile. The test runs in the module's directory; root
// is that of the repository. It returns how many blocks it has compiled.
//
// A block may be a file, declarations or statements. Imports that it leaves out are added, and so is what the page has
// before it, such as the client: see the tables of this package. In a block of language diff, the new lines are compiled.
func Compile(t *testing.T, root string, module Module) int {
	t.Helper()
	blocks := 0
	var programs []*program
	imports := make(map[string]bool)
	for _, page := range Pages(t, root) {
		for _, h := range []host{echo4, echo5, netHTTP} {
			p := parseProgram(t, page, h)
			if len(p.files) == 0 {
				continue
			}
			written := len(p.files)
			paths := p.complement(t)
			if moduleOf(h, paths) != module {
				continue
			}
			blocks += written
			programs = append(programs, p)
			for _, path := range paths {
				imports[path] = true
			}
		}
	}
	if len(programs) == 0 {
		return 0
	}
	lookup := exports(t, slices.Sorted(maps.Keys(imports)))
	for _, p := range programs {
		p.check(t, lookup)
	}
	return blocks
}

// hostOf returns the host of a block.
func hostOf(page, code string) host {
	switch {
	case strings.Contains(code, "*echo.Context") || strings.Contains(code, "echofirestore/v5") || strings.Contains(page, "echo5"):
		return echo5
	case strings.Contains(code, "firesession.") && !regexp.MustCompile(`\b(echo|echofirestore)\.`).MatchString(code):
		return netHTTP
	default:
		return echo4
	}
}

func parseProgram(t *testing.T, page Page, h host) *program {
	t.Helper()
	p := &program{page: page.Path, host: h, fset: token.NewFileSet(), complete: make(map[string]bool)}
	for _, block := range page.Blocks {
		code := block.Code
		switch block.Language {
		case "go":
		case "diff":
			code = newLines(code)
		default:
			continue
		}
		if hostOf(page.Path, code) != h {
			continue
		}
		name := fmt.Sprintf("%s:%d (%s)", page.Path, block.Line, h)
		if formatted, err := format.Source([]byte(code)); err == nil && string(formatted) != code && block.Language == "go" {
			p.unformatted = append(p.unformatted, name)
		}
		code = strings.ReplaceAll(code, "…\n", "panic(`what is left out`)\n")
		file, err := p.parse(name, code, block.Line)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		p.files = append(p.files, file)
	}
	return p
}

// newLines returns the lines of a diff that are there afterwards.
func newLines(diff string) string {
	var code strings.Builder
	for line := range strings.Lines(diff) {
		if line[0] != '-' {
			code.WriteString(line[1:])
		}
	}
	return code.String()
}

// parse parses a file, declarations, or statements.
func (p *program) parse(name, code string, line int) (*ast.File, error) {
	at := fmt.Sprintf("//line %s:%d\n", path.Base(p.page), line)
	parse := func(before, after string) (*ast.File, error) {
		return parser.ParseFile(p.fset, name, before+at+code+after, 0)
	}
	if file, err := parse("", ""); err == nil {
		p.complete[name] = true
		return file, nil
	}
	if file, err := parse("package page\n", ""); err == nil {
		return file, nil
	}
	if regexp.MustCompile(`(?m)^\t*return .`).MatchString(code) {
		return parse("package page\nfunc _() error {\n{\n", "}\nreturn nil\n}\n")
	}
	return parse("package page\nfunc _() {\n{\n", "}\n}\n")
}

// complement adds what the blocks leave out, and returns the paths of all imports.
func (p *program) complement(t *testing.T) []string {
	t.Helper()
	declared := make(map[string]bool)
	for _, file := range p.files {
		file.Name.Name = "page"
		for name := range file.Scope.Objects {
			declared[name] = true
		}
	}
	var given strings.Builder
	added := make(map[string]bool)
	for _, file := range p.files {
		for _, name := range p.missing(file) {
			if code := givenCode(p.host, name); code != "" && !declared[name] && !added[name] {
				added[name] = true
				fmt.Fprintln(&given, code)
			}
		}
	}
	file, err := parser.ParseFile(p.fset, "given", "package page\n"+given.String(), 0)
	if err != nil {
		t.Fatal(err)
	}
	p.files = append(p.files, file)
	paths := make(map[string]bool)
	for i, file := range p.files {
		if p.complete[p.name(file)] {
			for _, spec := range file.Imports {
				paths[strings.Trim(spec.Path.Value, `"`)] = true
			}
			continue
		}
		decl := &ast.GenDecl{Tok: token.IMPORT}
		for _, name := range p.missing(file) {
			path := importPath(p.host, name)
			if path == "" || declared[name] {
				continue
			}
			paths[path] = true
			spec := &ast.ImportSpec{Name: ast.NewIdent(name), Path: &ast.BasicLit{Kind: token.STRING, Value: fmt.Sprintf("%q", path)}}
			decl.Specs = append(decl.Specs, spec)
			file.Imports = append(file.Imports, spec)
		}
		if len(decl.Specs) > 0 {
			p.files[i].Decls = append([]ast.Decl{decl}, file.Decls...)
		}
	}
	return slices.Sorted(maps.Keys(paths))
}

// name returns the name under which file was parsed.
func (p *program) name(file *ast.File) string { return p.fset.File(file.Package).Name() }

// missing returns the names that file does not declare.
func (p *program) missing(file *ast.File) []string {
	imported := make(map[string]bool)
	for _, spec := range file.Imports {
		imported[path.Base(strings.Trim(spec.Path.Value, `"`))] = true
	}
	names := make(map[string]bool)
	for _, ident := range file.Unresolved {
		if !imported[ident.Name] {
			names[ident.Name] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// check type-checks the program.
func (p *program) check(t *testing.T, lookup importer.Lookup) {
	t.Helper()
	for _, name := range p.unformatted {
		t.Errorf("%s: not as gofmt formats it", name)
	}
	config := types.Config{
		Importer: importer.ForCompiler(p.fset, "gc", lookup),
		Error: func(err error) {
			var problem types.Error
			if !errors.As(err, &problem) {
				t.Error(err)
				return
			}
			file := p.fset.File(problem.Pos).Name()
			if problem.Soft && !p.complete[file] {
				return // a variable that only the rest of the program uses
			}
			t.Errorf("%s: %s", p.fset.Position(problem.Pos), problem.Msg)
		},
	}
	_, _ = config.Check("page", p.fset, p.files, nil) // config.Error reports
}

// exports compiles packages and what they import, and returns what an importer needs of each.
func exports(t *testing.T, paths []string) importer.Lookup {
	t.Helper()
	list := exec.CommandContext(t.Context(), "go", append([]string{"list", "-export", "-deps", "-json=ImportPath,Export"}, paths...)...)
	list.Stderr = os.Stderr
	output, err := list.Output()
	if err != nil {
		t.Fatalf("go list %v: %v", paths, err)
	}
	files := make(map[string]string)
	for decoder := json.NewDecoder(strings.NewReader(string(output))); decoder.More(); {
		var listed struct{ ImportPath, Export string }
		if err := decoder.Decode(&listed); err != nil {
			t.Fatal(err)
		}
		files[listed.ImportPath] = listed.Export
	}
	return func(path string) (io.ReadCloser, error) { return os.Open(files[path]) }
}
