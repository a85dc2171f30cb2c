package echofirestore_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestOperationsPageListsTheLog compares the list of log messages with what the source logs: level, message and attributes.
func TestOperationsPageListsTheLog(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join("docs", "operations.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(page), "\n## Log messages\n")
	section, _, _ = strings.Cut(section, "\n## ")
	var listed []string
	for _, row := range regexp.MustCompile("(?m)^\\| (\\w+) \\| `([^`]+)` \\| ([^|]*) \\| [^|]+ \\| [^|]+ \\|$").FindAllStringSubmatch(section, -1) {
		listed = append(listed, row[1]+": "+row[2]+": "+strings.ReplaceAll(row[3], "`", ""))
	}
	logged := logCalls(t, "*.go", "v5/*.go", "firesession/*.go", "internal/*/*.go")
	slices.Sort(listed)
	slices.Sort(logged)
	if len(logged) == 0 {
		t.Error("the source logs nothing")
	}
	for _, message := range logged {
		if !slices.Contains(listed, message) {
			t.Errorf("not listed: %s", message)
		}
	}
	for _, message := range listed {
		if !slices.Contains(logged, message) {
			t.Errorf("never logged: %s", message)
		}
	}
}

// logCalls returns what the Go files that match some patterns log: "level: message: attributes".
func logCalls(t *testing.T, patterns ...string) (messages []string) {
	t.Helper()
	for _, pattern := range patterns {
		paths, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			if strings.HasSuffix(path, "_test.go") {
				continue
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			for _, decl := range file.Decls {
				ast.Inspect(decl, func(n ast.Node) bool {
					call, ok := n.(*ast.CallExpr)
					if !ok || !onLogger(call) {
						return true
					}
					if name := call.Fun.(*ast.SelectorExpr).Sel.Name; name == "Enabled" {
						return true
					} else if name != "LogAttrs" || len(call.Args) < 3 {
						t.Errorf("%s: %s of a Logger: this test knows LogAttrs", path, name)
						return true
					}
					text, ok := call.Args[2].(*ast.BasicLit)
					if !ok {
						t.Errorf("%s: a message that is no literal", path)
						return true
					}
					message, err := strconv.Unquote(text.Value)
					if err != nil {
						t.Fatal(err)
					}
					for _, level := range levels(decl, call.Args[1]) {
						messages = append(messages, level+": "+message+": "+attributes(call.Args[3:]))
					}
					return true
				})
			}
		}
	}
	return messages
}

// onLogger reports whether a call is one of a method of Config.Logger, or of the functions of package slog that log.
func onLogger(call *ast.CallExpr) bool {
	method, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	switch on := method.X.(type) {
	case *ast.SelectorExpr:
		return on.Sel.Name == "Logger"
	case *ast.Ident:
		return on.Name == "slog" &&
			regexp.MustCompile(`^(Log|LogAttrs|(Debug|Info|Warn|Error)(Context)?)$`).MatchString(method.Sel.Name)
	default:
		return false
	}
}

func identifier(x ast.Expr) string {
	id, _ := x.(*ast.Ident)
	if id == nil {
		return ""
	}
	return id.Name
}

// levels returns the level that an argument is, or those that the function assigns to it.
func levels(function ast.Node, arg ast.Expr) (all []string) {
	if constant, ok := arg.(*ast.SelectorExpr); ok {
		return []string{strings.ToLower(strings.TrimPrefix(constant.Sel.Name, "Level"))}
	}
	ast.Inspect(function, func(n ast.Node) bool {
		if a, ok := n.(*ast.AssignStmt); ok && len(a.Lhs) == 1 && identifier(a.Lhs[0]) == identifier(arg) {
			if constant, ok := a.Rhs[0].(*ast.SelectorExpr); ok {
				all = append(all, levels(nil, constant)...)
			}
		}
		return true
	})
	return all
}

// attributes returns the keys of a message's attributes.
func attributes(args []ast.Expr) string {
	var keys []string
	for _, arg := range args {
		if attr, ok := arg.(*ast.CallExpr); ok && len(attr.Args) > 0 {
			if key, ok := attr.Args[0].(*ast.BasicLit); ok {
				keys = append(keys, strings.Trim(key.Value, `"`))
			}
		}
	}
	return strings.Join(keys, ", ")
}
