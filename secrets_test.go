package echofirestore_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/echofirestore/echofirestore"
)

// secret is what no error and no log may show.
const secret = "hunter2"

// blabber quotes itself in its errors.
type blabber string

func (b blabber) MarshalJSON() ([]byte, error) {
	return nil, fmt.Errorf("cannot marshal %q", string(b))
}

// blabberText does so where it marshals as text.
type blabberText string

func (b blabberText) MarshalText() ([]byte, error) {
	return nil, fmt.Errorf("cannot marshal %q", string(b))
}

// blabberKey does so where it is a key.
type blabberKey struct{ s string }

func (b blabberKey) MarshalText() ([]byte, error) { return nil, fmt.Errorf("cannot marshal %q", b.s) }

// TestValuesStaySecret stores values that cannot be encoded, and looks for them in errors, log and response.
func TestValuesStaySecret(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]any{
		"json.Number":             json.Number(secret),
		"json.Number, deep":       map[string]any{"pins": []any{json.Number(secret)}},
		"json.Number in a struct": struct{ PIN json.Number }{secret},
		"map by MarshalText":      struct{ M map[blabberKey]int }{map[blabberKey]int{{secret}: 1}},
		"json.RawMessage":         json.RawMessage(secret),
		"MarshalJSON":             blabber(secret),
		"MarshalJSON in a struct": struct{ PIN blabber }{secret},
		"MarshalText":             blabberText(secret),
		"MarshalText, deep":       []any{blabberText(secret)},
		"not UTF-8":               secret + "\xff",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newApp(t)
			a.POST("/save", func(c echo.Context) error {
				session(c).Values["pin"] = value
				err := echofirestore.Save(c)
				if err == nil || strings.Contains(err.Error(), secret) {
					t.Errorf("error %v", err)
				}
				return err
			})
			a.POST("/", set("pin", value))
			for _, path := range []string{"/save", "/"} {
				got := a.browser().post(path)
				if got.StatusCode != http.StatusInternalServerError || strings.Contains(got.body, secret) {
					t.Errorf("%s: status %d: %s", path, got.StatusCode, got.body)
				}
			}
			if log := a.log.String(); log == "" || strings.Contains(log, secret) {
				t.Errorf("log %s", log)
			}
		})
	}
}
