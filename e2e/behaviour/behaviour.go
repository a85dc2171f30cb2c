// Package behaviour says once what handlers written for gorilla/sessions do and cost with echofirestore, and tries it in
// any program: an adapter of a few lines serves the handlers by net/http, by some version of Echo, or with another store.
package behaviour

import (
	"net/http"
	"slices"
	"testing"

	"github.com/echofirestore/echofirestore"
	"github.com/echofirestore/echofirestore/firestoretest"
	"github.com/gorilla/sessions"
)

// MaxAge is that of all stores, in seconds.
const MaxAge = 3600

// A Program serves handlers that have sessions.
type Program struct {
	// Name is the program's column in the table.
	Name string

	// App returns an application that answers every request by handle, and with status 500 if that fails.
	App func(store sessions.Store, handle Handler) http.Handler

	// Store returns a store to try in place of echofirestore's. Its cookies must be as those: Path "/", MaxAge,
	// HttpOnly, SameSite=Lax. nil for echofirestore's own.
	Store func(t *testing.T) sessions.Store
}

// A Handler is an application's code, which does not know what serves it. It returns the body of the response.
type Handler func(Request) (body string, err error)

// A Request is what a handler is given.
type Request struct {
	W   http.ResponseWriter
	R   *http.Request
	Get func(name string) (*sessions.Session, error) // the program's own way to the sessions of the request
}

// A Case is a behaviour: what a browser sees in a sequence of requests.
type Case struct {
	Name  string
	Steps []Step

	// Known are the programs that differ, by name.
	Known map[string]Known
}

// Known is how a program is known to differ in a case.
type Known struct {
	How  string // in the table
	Seen []Seen // step by step
}

// A Step is one request.
type Step struct {
	Path   string // "/" if empty
	Cookie string // sent in place of the browser's own cookies; KEY stands for the latest key it was given
	Do     Handler
	Seen
}

// Seen is what a browser sees of a request, and what it cost.
type Seen struct {
	Body    string   // "500" for an error
	Cookies []string // set by the response, sorted; KEY stands for a key
	Cost    string   // in Firestore; "nothing" if empty
}

// Run tries every case in every program. With -v, it prints the table of them.
func Run(t *testing.T, programs ...Program) {
	t.Helper()
	results := newTable(programs)
	t.Run("case", func(t *testing.T) { // which ends when its parallel subtests have
		for _, c := range cases {
			for _, p := range programs {
				t.Run(c.Name+"/"+p.Name, func(t *testing.T) {
					t.Parallel()
					defer func() { results.add(c, p, t.Failed()) }()
					c.run(t, p)
				})
			}
		}
	})
	t.Logf("\n%s", results)
}

func (c Case) run(t *testing.T, p Program) {
	t.Helper()
	server, store := open(t, p)
	b := newBrowser(t)
	for i, want := range c.expected(p) {
		before := server.Ops()
		got, err := b.visit(t.Context(), p.App(store, c.Steps[i].Do), c.Steps[i])
		if err != nil {
			t.Fatalf("request %d: %v", i+1, err)
		}
		got.Cost = server.Ops().Sub(before).String()
		if got.Body != want.Body {
			t.Errorf("request %d: body %q, want %q", i+1, got.Body, want.Body)
		}
		if !slices.Equal(got.Cookies, want.Cookies) {
			t.Errorf("request %d: cookies set\n%q, want\n%q", i+1, got.Cookies, want.Cookies)
		}
		if p.Store == nil && got.Cost != want.cost() {
			t.Errorf("request %d: cost %s, want %s", i+1, got.Cost, want.cost())
		}
	}
}

// expected returns what the browser is to see in a program, step by step.
func (c Case) expected(p Program) []Seen {
	if known, ok := c.Known[p.Name]; ok {
		return known.Seen
	}
	seen := make([]Seen, len(c.Steps))
	for i, step := range c.Steps {
		seen[i] = step.Seen
	}
	return seen
}

func (s Seen) cost() string {
	if s.Cost == "" {
		return firestoretest.Ops{}.String()
	}
	return s.Cost
}

// open returns the store that a program is to use, and the Firestore that it may keep sessions in.
func open(t *testing.T, p Program) (*firestoretest.Server, sessions.Store) {
	t.Helper()
	server, client := firestoretest.Start(t)
	if p.Store != nil {
		return server, p.Store(t)
	}
	store, err := echofirestore.NewStore(echofirestore.Config{Client: client, CookieName: "session", MaxAge: MaxAge})
	if err != nil {
		t.Fatal(err)
	}
	return server, store
}
