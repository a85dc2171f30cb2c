package main

import (
	"html"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/echofirestore/echofirestore"
)

var storedFields = regexp.MustCompile(`<dt><code>([a-z_]+)</code>`)

func TestTheDocumentIsShown(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		do     func(b *browser)
		fields string
		wants  []string
	}{
		{
			"of a stranger", func(*browser) {}, "data max_age expire started hashed",
			[]string{"<code>null</code>", ">in 90 days</time>", "when the browser is closed"},
		},
		{
			"of somebody who signed in",
			func(b *browser) { b.submit("/sign-in", "name", "<Ada>", "keep", "yes"); b.get("/") },
			"data max_age expire started user hashed",
			[]string{"<code>2592000</code>", "<code>&lt;Ada&gt;</code>", ">in 30 days</time>", "30 days after your last visit", "&#34;device&#34;: &#34;Firefox on Linux&#34;"},
		},
		{
			"with a note",
			func(b *browser) { b.submit("/note", "note", `"oat" <milk>`); b.get("/") },
			"data max_age expire started hashed",
			[]string{`\&#34;oat\&#34; `},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b := newBrowser(t)
			b.get("/")
			b.get("/")
			test.do(b)
			page := b.get(pathDocument).wants(t, http.StatusOK, append(test.wants, "cost <strong>2 reads</strong>", "HttpOnly, SameSite=Lax, Secure")...)
			var fields []string
			for _, match := range storedFields.FindAllStringSubmatch(page.body, -1) {
				fields = append(fields, match[1])
			}
			if got := strings.Join(fields, " "); got != test.fields {
				t.Errorf("the fields are %s, want %s", got, test.fields)
			}
			stored := b.onlyDocument()
			if len(fields) != len(stored) {
				t.Errorf("the page shows %v, stored is %v", fields, stored)
			}
			// It shows what is there, line breaks aside.
			if !strings.Contains(strip(html.UnescapeString(page.body)), strip(stored["data"].(string))) {
				t.Errorf("the page lacks %v:\n%s", stored["data"], page.body)
			}
			page.wants(t, http.StatusOK, stored["expire"].(time.Time).Format(time.RFC3339), b.onlyPath())
			for _, cookie := range b.cookies() {
				if cookie.Name == echofirestore.DefaultCookieName {
					page.lacks(t, cookie.Value)
				}
			}
		})
	}
}

func TestThereIsNoDocument(t *testing.T) {
	t.Parallel()
	b := newBrowser(t)
	b.get(pathDocument).wants(t, http.StatusOK, "Nothing: your browser has sent no session", "cost <strong>nothing</strong>").lacks(t, "<dl")
	b.get("/")
	b.setSession("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	b.get(pathDocument).wants(t, http.StatusOK, sessionEnded)
}

func strip(s string) string { return strings.Join(strings.Fields(s), "") }

// onlyPath returns the path of the one document that there must be.
func (b *browser) onlyPath() string {
	b.t.Helper()
	docs, err := b.client.Collection(echofirestore.DefaultCollection).Documents(b.t.Context()).GetAll()
	requireNoError(b.t, err)
	if len(docs) != 1 {
		b.t.Fatalf("there are %d documents", len(docs))
	}
	return docs[0].Ref.Parent.ID + "/" + docs[0].Ref.ID
}
