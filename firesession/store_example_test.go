package firesession_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"time"

	"github.com/gorilla/sessions"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/echofirestore/echofirestore/firesession"
	"github.com/echofirestore/echofirestore/firestoretest"
)

// Without the Handler, a Store is used as any of gorilla/sessions. It saves when it is told to.
func ExampleStore() {
	client, stop := openFirestore()
	defer stop()

	store, err := firesession.NewStore(firesession.Config{Client: client})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		sess, err := store.Get(r, firesession.DefaultCookieName)
		if err != nil {
			http.Error(w, "please try again", http.StatusServiceUnavailable)
			return
		}
		n, _ := sess.Values["visits"].(int)
		sess.Values["visits"] = n + 1
		if err := sess.Save(r, w); err != nil { // before the first byte of the response
			http.Error(w, "please try again", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprint(w, n+1)
	})

	browse(mux, "GET /", "GET /")
	// Output:
	// GET /: 200 1
	// GET /: 200 2
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

// A readiness probe: the load balancer sends requests to other instances until Firestore answers this one.
func ExampleStore_Check() {
	server, err := firestoretest.NewServer()
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	client, err := server.Client(context.Background()) // firestore.NewClient(ctx, firestore.DetectProjectID)
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	store, err := firesession.NewStore(firesession.Config{Client: client, Timeout: 5 * time.Second})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) { // outside of store.Handler
		if err := store.Check(r.Context()); err != nil {
			log.New(os.Stdout, "", 0).Print("not ready: ", status.Code(err)) // slog.Error("not ready", "error", err)
			http.Error(w, "no sessions", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprint(w, "ready")
	})

	browse(mux, "GET /readyz")
	server.Inject(firestoretest.Fault{Method: "BatchGetDocuments", Err: status.Error(codes.PermissionDenied, "no role")})
	browse(mux, "GET /readyz")
	fmt.Println("cost:", server.Ops())
	// Output:
	// GET /readyz: 200 ready
	// not ready: PermissionDenied
	// GET /readyz: 503 no sessions
	// cost: 1 read
}
