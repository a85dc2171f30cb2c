package doctest

import (
	"cmp"
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"strings"
	"unicode"
)

// exportedNames returns the anchors that pkg.go.dev has for the package in dir.
func exportedNames(dir string) (map[string]bool, error) {
	fset := token.NewFileSet()
	packages, err := parser.ParseDir(fset, dir, nil, parser.ParseComments) //nolint:staticcheck // build tags don't matter
	if err != nil {
		return nil, err
	}
	names := map[string]bool{"pkg-examples": true, "section-documentation": true}
	for name, p := range packages {
		for _, file := range p.Files {
			for _, example := range doc.Examples(file) {
				names[exampleAnchor(example)] = true
			}
		}
		if strings.HasSuffix(name, "_test") {
			continue
		}
		d := doc.New(p, dir, 0)
		addValues := func(values []*doc.Value) {
			for _, value := range values {
				for _, name := range value.Names {
					names[name] = true
				}
			}
		}
		addFuncs := func(prefix string, funcs []*doc.Func) {
			for _, f := range funcs {
				names[prefix+f.Name] = true
			}
		}
		addValues(d.Consts)
		addValues(d.Vars)
		addFuncs("", d.Funcs)
		for _, typ := range d.Types {
			names[typ.Name] = true
			addValues(typ.Consts)
			addValues(typ.Vars)
			addFuncs("", typ.Funcs)
			addFuncs(typ.Name+".", typ.Methods)
			for _, field := range fieldsOf(typ) {
				names[typ.Name+"."+field] = true
			}
		}
	}
	return names, nil
}

// exampleAnchor returns the anchor of an example, as pkg.go.dev names it.
func exampleAnchor(example *doc.Example) string {
	parts := strings.Split(example.Name, "_")
	subject, parts := cmp.Or(parts[0], "package"), parts[1:]
	if len(parts) > 0 && parts[0] != "" && unicode.IsUpper(rune(parts[0][0])) { // a method
		subject, parts = subject+"."+parts[0], parts[1:]
	}
	if len(parts) == 0 {
		return "example-" + subject
	}
	suffix := strings.Join(parts, "_")
	return "example-" + subject + "-" + strings.ToUpper(suffix[:1]) + suffix[1:]
}

// fieldsOf returns the names of the exported fields of a struct.
func fieldsOf(typ *doc.Type) []string {
	var names []string
	for _, spec := range typ.Decl.Specs {
		s, ok := spec.(*ast.TypeSpec).Type.(*ast.StructType)
		if !ok {
			continue
		}
		for _, field := range s.Fields.List {
			for _, name := range field.Names {
				names = append(names, name.Name)
			}
		}
	}
	return names
}
