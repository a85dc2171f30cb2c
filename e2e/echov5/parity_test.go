package echov5

import (
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	echofirestore "github.com/echofirestore/echofirestore"
	echofirestore5 "github.com/echofirestore/echofirestore/v5"
)

// TestConfigs holds the Configs for Echo 4 and Echo 5 together: they have the same fields, in the same order.
func TestConfigs(t *testing.T) {
	t.Parallel()
	four, five := reflect.TypeFor[echofirestore.Config](), reflect.TypeFor[echofirestore5.Config]()
	if four.NumField() != five.NumField() {
		t.Errorf("%d fields, and %d", four.NumField(), five.NumField())
	}
	for i := range min(four.NumField(), five.NumField()) {
		a, b := four.Field(i), five.Field(i)
		same := a.Type == b.Type || a.Name == "Skipper" || a.Name == "ErrorHandler" // of an Echo each
		if a.Name != b.Name || !same {
			t.Errorf("%s %v, and %s %v", a.Name, a.Type, b.Name, b.Type)
		}
	}
}

// names are what a package exports, with the documentation of each.
type names map[string]string

// TestNames holds the packages for Echo 4 and Echo 5 together: but for what differs in Echo, they export the same, and
// document it in the same words.
func TestNames(t *testing.T) {
	t.Parallel()
	four, five := exported(t, "../.."), exported(t, "../../v5")
	delete(four, "SessionKey")
	for _, name := range slices.Sorted(maps.Keys(four)) {
		if _, ok := five[name]; !ok {
			t.Errorf("%s is missing for Echo 5", name)
		}
	}
	differ := []string{"Middleware", "Config.ErrorHandler"}
	for _, name := range slices.Sorted(maps.Keys(five)) {
		switch text, ok := four[name]; {
		case !ok:
			t.Errorf("%s is missing for Echo 4", name)
		case text != five[name] && !slices.Contains(differ, name):
			t.Errorf("%s is documented as\n%s\nand\n%s", name, text, five[name])
		}
	}
}

// exported returns what the package in dir exports.
func exported(t *testing.T, dir string) names {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	fset := token.NewFileSet()
	var files []*ast.File
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(fset, path, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	p, err := doc.NewFromFiles(fset, files, dir)
	if err != nil {
		t.Fatal(err)
	}
	all := make(names)
	add := func(prefix string, values []*doc.Value, funcs []*doc.Func) {
		for _, v := range values {
			for _, name := range v.Names {
				all[prefix+name] = v.Doc
			}
			for _, spec := range v.Decl.Specs {
				if s, ok := spec.(*ast.ValueSpec); ok && s.Doc != nil {
					all[prefix+s.Names[0].Name] = s.Doc.Text()
				}
			}
		}
		for _, f := range funcs {
			all[prefix+f.Name] = f.Doc
		}
	}
	add("", slices.Concat(p.Consts, p.Vars), p.Funcs)
	for _, typ := range p.Types {
		all[typ.Name] = typ.Doc
		add("", slices.Concat(typ.Consts, typ.Vars), typ.Funcs)
		add(typ.Name+".", nil, typ.Methods)
		for _, spec := range typ.Decl.Specs {
			if s, ok := spec.(*ast.TypeSpec).Type.(*ast.StructType); ok {
				for _, field := range s.Fields.List {
					for _, name := range field.Names {
						all[typ.Name+"."+name.Name] = field.Doc.Text()
					}
				}
			}
		}
	}
	return all
}
