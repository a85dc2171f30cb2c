package firesession_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"

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

func ExampleStore_Handler() {
	client, stop := openFirestore()
	defer stop()

	store, err := firesession.NewStore(firesession.Config{Client: client, MaxAge: 86400})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		sess := firesession.Session(r)
		n, _ := sess.Values["visits"].(int)
		sess.Values["visits"] = n + 1
		fmt.Fprint(w, n+1) // saved before the first byte leaves
	})

	browse(store.Handler(mux), "GET /", "GET /") // http.ListenAndServe(":8080", store.Handler(mux))
	// Output:
	// GET /: 200 1
	// GET /: 200 2
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

func ExampleStore_Get() {
	client, stop := openFirestore()
	defer stop()

	store, err := firesession.NewStore(firesession.Config{Client: client})
	if err != nil {
		log.Fatal(err)
	}
	// A request without a cookie, or with one that cannot be a key, has a new session. Firestore is not asked.
	r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
	r.AddCookie(&http.Cookie{Name: firesession.DefaultCookieName, Value: "../users/alice"})
	sess, err := store.Get(r, firesession.DefaultCookieName)
	fmt.Println(sess.IsNew, sess.ID == "", len(sess.Values), err)

	again, err := store.Get(r, firesession.DefaultCookieName)
	fmt.Println(sess == again, err)
	// Output:
	// true true 0 <nil>
	// true <nil>
}

// New shows what is stored by now, whatever has become of the session that Get returned.
func ExampleStore_New() {
	client, stop := openFirestore()
	defer stop()

	store, err := firesession.NewStore(firesession.Config{Client: client})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /", func(w http.ResponseWriter, r *http.Request) {
		sess, err := store.Get(r, firesession.DefaultCookieName)
		if err != nil {
			log.Fatal(err)
		}
		sess.Values["step"] = 1
		if err := sess.Save(r, w); err != nil {
			log.Fatal(err)
		}
	})
	mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
		sess, err := store.Get(r, firesession.DefaultCookieName)
		if err != nil {
			log.Fatal(err)
		}
		sess.Values["step"] = 2 // not saved
		stored, err := store.New(r, firesession.DefaultCookieName)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Fprintf(w, "here %v, stored %v", sess.Values["step"], stored.Values["step"])
	})

	browse(mux, "POST /", "GET /")
	// Output:
	// POST /: 200
	// GET /: 200 here 2, stored 1
}

// A session that ends is deleted, and so is its cookie.
func ExampleStore_Save() {
	client, stop := openFirestore()
	defer stop()

	store, err := firesession.NewStore(firesession.Config{Client: client})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /sign-in", func(w http.ResponseWriter, r *http.Request) {
		sess, err := store.Get(r, firesession.DefaultCookieName)
		if err != nil {
			log.Fatal(err)
		}
		sess.Values["user"] = "alice"
		if err := store.Save(r, w, sess); err != nil {
			log.Fatal(err)
		}
	})
	mux.HandleFunc("POST /sign-out", func(w http.ResponseWriter, r *http.Request) {
		sess, err := store.Get(r, firesession.DefaultCookieName)
		if err != nil {
			log.Fatal(err)
		}
		sess.Options.MaxAge = -1
		if err := store.Save(r, w, sess); err != nil {
			log.Fatal(err)
		}
	})
	mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
		sess, err := store.Get(r, firesession.DefaultCookieName)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Fprint(w, sess.Values["user"])
	})

	browse(mux, "POST /sign-in", "GET /", "POST /sign-out", "GET /")
	// Output:
	// POST /sign-in: 200
	// GET /: 200 alice
	// POST /sign-out: 200
	// GET /: 200 <nil>
}

func ExampleStore_Update() {
	client, stop := openFirestore()
	defer stop()

	store, err := firesession.NewStore(firesession.Config{Client: client})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /", func(w http.ResponseWriter, r *http.Request) {
		var n int
		err := store.Update(r, w, firesession.DefaultCookieName, func(sess *sessions.Session) error {
			n, _ = sess.Values["n"].(int)
			n++
			sess.Values["n"] = n
			return nil
		})
		if err != nil {
			http.Error(w, "please try again", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprint(w, n)
	})

	browse(mux, "POST /", "POST /")
	// Output:
	// POST /: 200 1
	// POST /: 200 2
}
