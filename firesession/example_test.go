package firesession_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"
	"time"

	"cloud.google.com/go/firestore"
	"github.com/gorilla/sessions"

	"github.com/echofirestore/echofirestore/firesession"
	"github.com/echofirestore/echofirestore/firestoretest"
)

// openFirestore opens a Firestore in memory. A real one is opened with firestore.NewClient.
func openFirestore() (client *firestore.Client, stop func()) {
	server, err := firestoretest.NewServer()
	if err != nil {
		log.Fatal(err)
	}
	client, err = server.Client(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	return client, func() {
		client.Close()
		server.Close()
	}
}

// browse sends requests such as "GET /" to app, one after the other, and prints the answers. It does so as one browser,
// which keeps its cookies.
func browse(app http.Handler, requests ...string) {
	server := httptest.NewServer(app)
	defer server.Close()
	jar, err := cookiejar.New(nil)
	if err != nil {
		log.Fatal(err)
	}
	browser := http.Client{Jar: jar}
	for _, request := range requests {
		method, path, _ := strings.Cut(request, " ")
		req, err := http.NewRequest(method, server.URL+path, http.NoBody)
		if err != nil {
			log.Fatal(err)
		}
		resp, err := browser.Do(req)
		if err != nil {
			log.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(strings.TrimSpace(fmt.Sprintf("%s: %d %s", request, resp.StatusCode, body)))
	}
}

// An application that knows its visitors, signs them in and out.
func Example() {
	client, stop := openFirestore()
	defer stop()

	store, err := firesession.NewStore(firesession.Config{
		Client: client,
		MaxAge: 86400, // a day after the last change
		// In production also Secure: true.
	})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		sess := firesession.Session(r)
		user, _ := sess.Values["user"].(string)
		visits, _ := sess.Values["visits"].(int)
		sess.Values["visits"] = visits + 1
		fmt.Fprintf(w, "visit %d of %q", visits+1, user) // saved before the first byte leaves
	})
	mux.HandleFunc("POST /sign-in", func(w http.ResponseWriter, r *http.Request) {
		if err := firesession.Renew(r); err != nil { // a new key: nobody who knew the old one is signed in
			http.Error(w, "please try again", http.StatusServiceUnavailable)
			return
		}
		firesession.Session(r).Values["user"] = "Ada"
	})
	mux.HandleFunc("POST /sign-out", func(w http.ResponseWriter, r *http.Request) {
		if err := firesession.Destroy(r); err != nil {
			http.Error(w, "please try again", http.StatusServiceUnavailable)
		}
	})

	browse(store.Handler(mux), "GET /", "POST /sign-in", "GET /", "POST /sign-out", "GET /")
	// Output:
	// GET /: 200 visit 1 of ""
	// POST /sign-in: 200
	// GET /: 200 visit 2 of "Ada"
	// POST /sign-out: 200
	// GET /: 200 visit 1 of ""
}

func ExampleNewStore() {
	_, err := firesession.NewStore(firesession.Config{CookieName: "my session"})
	fmt.Println(err)
	// Output:
	// echofirestore: Config.Client is missing: give it the *firestore.Client of firestore.NewClient
	// echofirestore: Config.CookieName "my session" is not a valid cookie name: use letters, digits, '-' and '_'
}

func ExampleConfig_errorHandler() {
	client, stop := openFirestore()
	defer stop()

	store, err := firesession.NewStore(firesession.Config{
		Client: client,
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			if errors.Is(err, firesession.ErrTooLarge) {
				http.Error(w, "your cart is full", http.StatusRequestEntityTooLarge)
				return
			}
			w.Header().Set("Retry-After", "10")
			http.Error(w, "please try again", http.StatusServiceUnavailable)
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("PUT /cart/{item}", func(w http.ResponseWriter, r *http.Request) {
		firesession.Session(r).Values["cart"] = strings.Repeat(r.PathValue("item"), 1<<18)
		fmt.Fprint(w, "added")
	})

	browse(store.Handler(mux), "PUT /cart/pin", "PUT /cart/piano")
	// Output:
	// PUT /cart/pin: 200 added
	// PUT /cart/piano: 413 your cart is full
}

func ExampleGet() {
	client, stop := openFirestore()
	defer stop()

	store, err := firesession.NewStore(firesession.Config{Client: client})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /theme", func(w http.ResponseWriter, r *http.Request) {
		sess, err := firesession.Get(r) // reads the document, if the browser has sent a cookie
		if err != nil {
			http.Error(w, "please try again", http.StatusServiceUnavailable)
			return
		}
		if sess.IsNew {
			fmt.Fprint(w, "light, by default")
			return
		}
		fmt.Fprint(w, sess.Values["theme"])
	})
	mux.HandleFunc("PUT /theme", func(w http.ResponseWriter, r *http.Request) {
		sess, err := firesession.Get(r)
		if err != nil {
			http.Error(w, "please try again", http.StatusServiceUnavailable)
			return
		}
		sess.Values["theme"] = "dark"
		w.WriteHeader(http.StatusNoContent) // saved before this is sent
	})

	browse(store.Handler(mux), "GET /theme", "PUT /theme", "GET /theme")
	// Output:
	// GET /theme: 200 light, by default
	// PUT /theme: 204
	// GET /theme: 200 dark
}

// Save tells a handler whether its changes could be stored while it can still do something about it.
func ExampleSave() {
	client, stop := openFirestore()
	defer stop()

	store, err := firesession.NewStore(firesession.Config{Client: client})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("PUT /draft/{word}", func(w http.ResponseWriter, r *http.Request) {
		sess := firesession.Session(r)
		sess.Values["draft"] = strings.Repeat(r.PathValue("word"), 1<<18)
		err := firesession.Save(r)
		if errors.Is(err, firesession.ErrTooLarge) {
			delete(sess.Values, "draft") // else the save before the response would fail, too
			http.Error(w, "too long for a draft", http.StatusRequestEntityTooLarge)
			return
		}
		if err != nil {
			http.Error(w, "please try again", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprint(w, "kept")
	})

	browse(store.Handler(mux), "PUT /draft/ox", "PUT /draft/horse")
	// Output:
	// PUT /draft/ox: 200 kept
	// PUT /draft/horse: 413 too long for a draft
}

func ExampleDestroy() {
	client, stop := openFirestore()
	defer stop()

	store, err := firesession.NewStore(firesession.Config{Client: client})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("PUT /user", func(_ http.ResponseWriter, r *http.Request) {
		firesession.Session(r).Values["user"] = "Ada"
	})
	mux.HandleFunc("GET /user", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, firesession.Session(r).Values["user"])
	})
	mux.HandleFunc("DELETE /user", func(w http.ResponseWriter, r *http.Request) {
		if err := firesession.Destroy(r); err != nil {
			http.Error(w, "you may still be signed in: please try again", http.StatusServiceUnavailable)
		}
	})

	browse(store.Handler(mux), "PUT /user", "GET /user", "DELETE /user", "GET /user")
	// Output:
	// PUT /user: 200
	// GET /user: 200 Ada
	// DELETE /user: 200
	// GET /user: 200 <nil>
}

func ExampleRenew() {
	client, stop := openFirestore()
	defer stop()

	store, err := firesession.NewStore(firesession.Config{Client: client, MaxAge: 86400})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /sign-in", func(w http.ResponseWriter, r *http.Request) {
		if err := firesession.Renew(r); err != nil { // a new key: nobody who knew the old one is signed in
			http.Error(w, "please try again", http.StatusServiceUnavailable)
			return
		}
		firesession.Session(r).Values["user"] = "Ada"
	})
	mux.HandleFunc("POST /sign-out", func(w http.ResponseWriter, r *http.Request) {
		if err := firesession.Destroy(r); err != nil {
			http.Error(w, "please try again", http.StatusServiceUnavailable)
		}
	})
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, firesession.Session(r).Values["user"])
	})

	browse(store.Handler(mux), "POST /sign-in", "GET /", "POST /sign-out", "GET /")
	// Output:
	// POST /sign-in: 200
	// GET /: 200 Ada
	// POST /sign-out: 200
	// GET /: 200 <nil>
}

// With a cache, a session that was revoked in another process may be in use for CacheFor. Refresh finds out.
func ExampleRefresh() {
	client, stop := openFirestore()
	defer stop()
	cfg := firesession.Config{
		Client: client, UserKey: "user",
		SigningKeys: [][]byte{[]byte("32 or 64 random bytes, from a secret manager, like all of these.")},
		CacheFor:    10 * time.Second,
	}
	store, err := firesession.NewStore(cfg)
	if err != nil {
		log.Fatal(err)
	}
	elsewhere, err := firesession.NewStore(cfg) // the Store of another process
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /sign-in", func(w http.ResponseWriter, r *http.Request) {
		firesession.Session(r).Values["user"] = "ada"
	})
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, firesession.Session(r).Values["user"])
	})
	mux.HandleFunc("POST /pay", func(w http.ResponseWriter, r *http.Request) {
		err := firesession.Refresh(r)
		switch {
		case errors.Is(err, firesession.ErrGone):
			http.Error(w, "please sign in", http.StatusUnauthorized)
		case err != nil:
			http.Error(w, "please try again", http.StatusServiceUnavailable)
		default:
			fmt.Fprintln(w, "paid")
		}
	})
	mux.HandleFunc("POST /revoke", func(w http.ResponseWriter, r *http.Request) { // as an administrator does, in the other process
		n, err := elsewhere.RevokeUser(r.Context(), "ada")
		if err != nil {
			http.Error(w, "please try again", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, n, "revoked")
	})

	browse(store.Handler(mux), "POST /sign-in", "POST /pay", "POST /revoke", "GET /", "POST /pay", "GET /")
	// Output:
	// POST /sign-in: 200
	// POST /pay: 200 paid
	// POST /revoke: 200 1 revoked
	// GET /: 200 ada
	// POST /pay: 401 please sign in
	// GET /: 200 <nil>
}

func ExampleUpdate() {
	client, stop := openFirestore()
	defer stop()

	store, err := firesession.NewStore(firesession.Config{Client: client, MaxAge: 86400})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /download", func(w http.ResponseWriter, r *http.Request) {
		var n int
		err := firesession.Update(r, func(sess *sessions.Session) error {
			n, _ = sess.Values["downloads"].(int)
			n++
			sess.Values["downloads"] = n
			return nil
		})
		if err != nil {
			http.Error(w, "please try again", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintf(w, "download %d", n)
	})

	browse(store.Handler(mux), "POST /download", "POST /download")
	// Output:
	// POST /download: 200 download 1
	// POST /download: 200 download 2
}

func ExampleValue() {
	client, stop := openFirestore()
	defer stop()

	store, err := firesession.NewStore(firesession.Config{Client: client})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("PUT /since", func(_ http.ResponseWriter, r *http.Request) {
		firesession.Session(r).Values["since"] = time.Date(2026, 2, 20, 9, 30, 0, 0, time.UTC)
	})
	mux.HandleFunc("GET /since", func(w http.ResponseWriter, r *http.Request) {
		sess := firesession.Session(r)
		since, ok := firesession.Value[time.Time](sess, "since")
		fmt.Fprintf(w, "stored %v, which is %v %t", sess.Values["since"], since, ok)
	})

	browse(store.Handler(mux), "PUT /since", "GET /since")
	// Output:
	// PUT /since: 200
	// GET /since: 200 stored 1771579800000, which is 2026-02-20 09:30:00 +0000 UTC true
}
