package doctest

import (
	"slices"
	"strings"
)

// A Module is one of the modules in which code of the documentation is compiled.
type Module string

// The modules, by their directories.
const (
	Root Module = "."
	V5   Module = "v5"
	OIDC Module = "example/oidc"
	E2E  Module = "e2e"
	Tink Module = "e2e/tink"
)

// moduleOf returns the module whose dependencies include imports.
func moduleOf(h host, imports []string) Module {
	for _, special := range []struct {
		path   string
		module Module
	}{
		{"github.com/coreos/go-oidc/", OIDC},
		{"github.com/tink-crypto/", Tink},
		{"github.com/coder/websocket", E2E},
		{"github.com/gorilla/websocket", E2E},
		{"github.com/go-chi/", E2E},
	} {
		if slices.ContainsFunc(imports, func(path string) bool { return strings.HasPrefix(path, special.path) }) {
			return special.module
		}
	}
	if h == echo5 {
		return V5
	}
	return Root
}

// importPath returns the import path of a package that blocks name without importing it.
func importPath(h host, name string) string {
	if h == echo5 {
		switch name {
		case "echo", "middleware":
			return strings.Replace(imports[name], "/v4", "/v5", 1)
		case "echofirestore":
			return imports[name] + "/v5"
		}
	}
	return imports[name]
}

var imports = map[string]string{
	"aead":          "github.com/tink-crypto/tink-go/v2/aead",
	"base64":        "encoding/base64",
	"bytes":         "bytes",
	"chi":           "github.com/go-chi/chi/v5",
	"codes":         "google.golang.org/grpc/codes",
	"context":       "context",
	"echo":          "github.com/labstack/echo/v4",
	"echofirestore": "github.com/echofirestore/echofirestore",
	"errors":        "errors",
	"firesession":   "github.com/echofirestore/echofirestore/firesession",
	"firestore":     "cloud.google.com/go/firestore",
	"firestoretest": "github.com/echofirestore/echofirestore/firestoretest",
	"fmt":           "fmt",
	"grpc":          "google.golang.org/grpc",
	"http":          "net/http",
	"gorilla":       "github.com/gorilla/websocket",
	"httptest":      "net/http/httptest",
	"keepalive":     "google.golang.org/grpc/keepalive",
	"keyset":        "github.com/tink-crypto/tink-go/v2/keyset",
	"log":           "log",
	"middleware":    "github.com/labstack/echo/v4/middleware",
	"oidc":          "github.com/coreos/go-oidc/v3/oidc",
	"option":        "google.golang.org/api/option",
	"os":            "os",
	"session":       "github.com/labstack/echo-contrib/session",
	"sessions":      "github.com/gorilla/sessions",
	"slog":          "log/slog",
	"status":        "google.golang.org/grpc/status",
	"strings":       "strings",
	"sync":          "sync",
	"testing":       "testing",
	"time":          "time",
	"url":           "net/url",
	"websocket":     "github.com/coder/websocket",
}

// givenCode returns the declaration of what blocks use and pages do not show, because every reader knows what it is.
func givenCode(h host, name string) string {
	code := given[name]
	if h == echo5 {
		code = strings.ReplaceAll(code, "echo.Context", "*echo.Context")
	}
	if h == netHTTP {
		code = strings.ReplaceAll(code, "echofirestore.Store", "firesession.Store")
	}
	return code
}

var given = map[string]string{
	"c":             "var c echo.Context",
	"checkPassword": "func checkPassword(c echo.Context) (user string, err error) { panic(c) }",
	"client":        "var client *firestore.Client",
	"ctx":           "var ctx context.Context",
	"e":             "var e *echo.Echo",
	"encrypted":     "var encrypted []byte",
	"errLimit":      "var errLimit = errors.New(``)",
	"blockKey":      "var blockKey []byte",
	"hashKey":       "var hashKey []byte",
	"kms":           "var kms interface { Encrypt(plaintext, associatedData []byte) ([]byte, error); Decrypt(ciphertext, associatedData []byte) ([]byte, error) }",
	"mux":           "var mux *http.ServeMux",
	"project":       "var project string",
	"r":             "var r *http.Request",
	"secrets":       "var secrets struct { hash, block []byte; aead echofirestore.AEAD }",
	"sess":          "var sess *sessions.Session",
	"store":         "var store *echofirestore.Store",
	"user":          "var user string",
	"w":             "var w http.ResponseWriter",
}
