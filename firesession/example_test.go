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

	"github.com/gorilla/sessions"

	"github.com/echofirestore/echofirestore/firesession"
	"github.com/echofirestore/echofirestore/firestoretest"
)

// serve serves mux with sessions in a Firestore in memory, and prints what a browser sees that sends the requests, such as
// "GET /". A real Firestore is opened with firestore.NewClient.
func serve(mux *http.ServeMux, requests ...string) {
	memory, err := firestoretest.NewServer()
	if err != nil {
		log.Fatal(err)
	}
	defer memory.Close()
	client, err := memory.Client(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	store, err := firesession.NewStore(firesession.Config{Client: client, MaxAge: 86400})
	if err != nil {
		log.Fatal(err)
	}
	server := httptest.NewServer(store.Handler(mux))
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
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		sess := firesession.Session(r)
		n, _ := sess.Values["visits"].(int)
		sess.Values["visits"] = n + 1
		fmt.Fprint(w, n+1) // saved before the first byte leaves
	})
	serve(mux, "GET /", "GET /") // http.ListenAndServe(":8080", store.Handler(mux))
	// Output:
	// GET /: 200 1
	// GET /: 200 2
}

func ExampleRenew() {
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
	serve(mux, "POST /sign-in", "GET /", "POST /sign-out", "GET /")
	// Output:
	// POST /sign-in: 200
	// GET /: 200 Ada
	// POST /sign-out: 200
	// GET /: 200 <nil>
}

func ExampleUpdate() {
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
	serve(mux, "POST /download", "POST /download")
	// Output:
	// POST /download: 200 download 1
	// POST /download: 200 download 2
}
