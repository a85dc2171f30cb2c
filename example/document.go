package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"cloud.google.com/go/firestore"
	"github.com/gorilla/sessions"
	"github.com/labstack/echo/v4"

	"github.com/echofirestore/echofirestore"
)

const pathDocument = "/document"

// documentPage is what the template document.html shows.
type documentPage struct {
	frame
	Path   string        // of the document, "" if the session is not stored
	Fields []storedField // as they are there
	Cookie cookieShown
	CSRF   string
}

// A storedField is a field of a document.
type storedField struct {
	Name, Type, Value string
	Long              bool   // Value has several lines
	When              moment // of a timestamp
	Meaning           string
}

// cookieShown is what a page may show of the session's cookie: all but the key.
type cookieShown struct {
	Name, Attributes, Ends string
	KeyLength              int
}

// showDocument shows the session as it is stored. The store has no function for that, so the application reads the document
// with a client of its own, for another read.
func (a *app) showDocument(c echo.Context) error {
	sess, err := a.session(c)
	if err != nil {
		return err
	}
	page := documentPage{frame: frameOf(sess), CSRF: csrfToken(c)}
	if err := echofirestore.Save(c); err != nil { // first, so that the document is what this request leaves behind
		return err
	}
	if sess.ID != "" {
		doc, err := a.stored(c.Request().Context(), sess.ID)
		if err != nil {
			return err
		}
		if doc.Exists() { // it may have been ended meanwhile
			page.Path = doc.Ref.Parent.ID + "/" + doc.Ref.ID
			page.Fields = a.storedFields(doc.Data())
			page.Cookie = cookieOf(sess)
		}
	}
	a.complete(c, &page.frame)
	return a.pages.show(c, http.StatusOK, "document.html", page)
}

// stored reads the document of the session with the given key.
func (a *app) stored(ctx context.Context, key string) (*firestore.DocumentSnapshot, error) {
	ctx, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	ref := a.client.Collection(echofirestore.DefaultCollection).Doc(documentID(key))
	docs, err := a.client.GetAll(ctx, []*firestore.DocumentRef{ref}) // unlike Get, it finds a missing document, too
	if err != nil {
		return nil, echo.NewHTTPError(http.StatusServiceUnavailable).SetInternal(err)
	}
	return docs[0], nil
}

// documentID returns the ID of the document of the session with the given key, as Config.HashKeys has it.
func documentID(key string) string {
	sum := sha256.Sum256([]byte(echofirestore.DefaultCookieName + ":" + key))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// meanings of the fields, in the order in which they are shown.
var meanings = []struct{ name, text string }{
	{"data", "The session, as JSON. “created” is when it last changed, in seconds since 1970. In Firestore it is one line."},
	{"max_age", "How many seconds the session lives after it was last saved. With null, until the browser is closed."},
	{"expire", "When the session ends. Firestore removes the document after that, by a TTL policy."},
	{"started", "When the session began, under whichever key. It ends 90 days after that, however often you come."},
	{"user", "A copy of “name” in data, and the only field with an index: by it, the sessions of a user are found."},
	{"hashed", "The document’s ID is not a key."},
}

func (a *app) storedFields(data map[string]any) []storedField {
	var fields []storedField
	for _, meaning := range meanings {
		if value, ok := data[meaning.name]; ok {
			field := a.storedField(meaning.name, value)
			field.Meaning = meaning.text
			fields = append(fields, field)
			delete(data, meaning.name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(data)) {
		fields = append(fields, a.storedField(name, data[name]))
	}
	return fields
}

func (a *app) storedField(name string, value any) storedField {
	field := storedField{Name: name, Value: fmt.Sprint(value)}
	switch value := value.(type) {
	case nil:
		field.Type, field.Value = "null", "null"
	case bool:
		field.Type = "boolean"
	case int64:
		field.Type = "integer"
	case time.Time:
		field.Type, field.When = "timestamp", momentOf(value, a.now())
	case string:
		field.Type = "string"
		var lines bytes.Buffer
		if name == "data" && json.Indent(&lines, []byte(value), "", "  ") == nil {
			field.Value, field.Long = lines.String(), true
		}
	default:
		field.Type = fmt.Sprintf("%T", value)
	}
	return field
}

// cookieOf describes the cookie of a session that is stored.
func cookieOf(sess *sessions.Session) cookieShown {
	cookie := cookieShown{Name: sess.Name(), Attributes: "HttpOnly, SameSite=Lax", KeyLength: len(sess.ID)}
	if sess.Options.Secure {
		cookie.Attributes += ", Secure"
	}
	switch sess.Options.MaxAge {
	case 0:
		cookie.Ends = "when the browser is closed"
	case int(trial.Seconds()):
		cookie.Ends = "in an hour, unless it comes back before"
	default:
		cookie.Ends = fmt.Sprintf("%d days after your last visit", keepFor/(24*time.Hour))
	}
	return cookie
}
