package firesession_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"time"

	"github.com/echofirestore/echofirestore/firesession"
)

// newDevicesApp returns an application that lists the sessions of a user, and ends them.
func newDevicesApp(store *firesession.Store) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /sign-in/{user}/{device}", func(w http.ResponseWriter, r *http.Request) {
		if err := firesession.Renew(r); err != nil {
			http.Error(w, "please try again", http.StatusServiceUnavailable)
			return
		}
		sess := firesession.Session(r)
		sess.Values["user"], sess.Values["device"] = r.PathValue("user"), r.PathValue("device")
	})
	mux.HandleFunc("GET /devices", func(w http.ResponseWriter, r *http.Request) {
		sess := firesession.Session(r)
		user, _ := sess.Values["user"].(string)
		infos, err := store.Sessions(r.Context(), user)
		if err != nil {
			http.Error(w, "please try again", http.StatusServiceUnavailable)
			return
		}
		for _, info := range infos {
			fmt.Fprint(w, info.Values["device"])
			if info.ID == store.SessionID(sess) {
				fmt.Fprint(w, " (this one)")
			}
			fmt.Fprintln(w)
		}
	})
	mux.HandleFunc("DELETE /devices", func(w http.ResponseWriter, r *http.Request) {
		sess := firesession.Session(r)
		user, _ := sess.Values["user"].(string)
		ended, err := store.RevokeUser(r.Context(), user, store.SessionID(sess))
		if err != nil {
			http.Error(w, "please try again", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprint(w, ended, " ended")
	})
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		if store.Ended(firesession.Session(r)) {
			fmt.Fprint(w, "Please sign in again: your session has ended.")
			return
		}
		fmt.Fprint(w, "Welcome!")
	})
	return store.Handler(mux)
}

func ExampleStore_Sessions() {
	client, stop := openFirestore()
	defer stop()

	store, err := firesession.NewStore(firesession.Config{Client: client, UserKey: "user"})
	if err != nil {
		log.Fatal(err)
	}
	app := newDevicesApp(store)
	browse(app, "POST /sign-in/ada/phone")
	browse(app, "POST /sign-in/ada/laptop", "GET /devices")
	// Output:
	// POST /sign-in/ada/phone: 200
	// POST /sign-in/ada/laptop: 200
	// GET /devices: 200 laptop (this one)
	// phone
}

// Sign out everywhere but here, as after a change of the password.
func ExampleStore_RevokeUser() {
	client, stop := openFirestore()
	defer stop()

	store, err := firesession.NewStore(firesession.Config{Client: client, UserKey: "user"})
	if err != nil {
		log.Fatal(err)
	}
	app := newDevicesApp(store)
	browse(app, "POST /sign-in/ada/phone")
	browse(app, "POST /sign-in/ada/laptop", "DELETE /devices", "GET /devices")
	// Output:
	// POST /sign-in/ada/phone: 200
	// POST /sign-in/ada/laptop: 200
	// DELETE /devices: 200 1 ended
	// GET /devices: 200 laptop (this one)
}

func ExampleStore_Revoke() {
	client, stop := openFirestore()
	defer stop()

	store, err := firesession.NewStore(firesession.Config{Client: client, UserKey: "user"})
	if err != nil {
		log.Fatal(err)
	}
	browse(newDevicesApp(store), "POST /sign-in/ada/phone")
	ctx := context.Background()
	infos, err := store.Sessions(ctx, "ada")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("by another user:", store.Revoke(ctx, "mallory", infos[0].ID))
	fmt.Println("by its own:", store.Revoke(ctx, "ada", infos[0].ID))
	// Output:
	// POST /sign-in/ada/phone: 200
	// by another user: echofirestore: the session has ended: another request ended it, or it has expired
	// by its own: <nil>
}

func ExampleStore_RevokeAll() {
	client, stop := openFirestore()
	defer stop()

	store, err := firesession.NewStore(firesession.Config{Client: client})
	if err != nil {
		log.Fatal(err)
	}
	app := newDevicesApp(store)
	browse(app, "POST /sign-in/ada/phone")
	browse(app, "POST /sign-in/charles/laptop")
	fmt.Println(store.RevokeAll(context.Background()))
	// Output:
	// POST /sign-in/ada/phone: 200
	// POST /sign-in/charles/laptop: 200
	// 2 <nil>
}

// A job that runs once a day, in a database without a TTL policy.
func ExampleStore_DeleteExpired() {
	client, stop := openFirestore()
	defer stop()

	now := time.Now()
	store, err := firesession.NewStore(firesession.Config{
		Client: client,
		MaxAge: 3600,
		Now:    func() time.Time { return now },
	})
	if err != nil {
		log.Fatal(err)
	}
	browse(newDevicesApp(store), "POST /sign-in/ada/phone")
	now = now.Add(24 * time.Hour)

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	fmt.Println(store.DeleteExpired(ctx))
	// Output:
	// POST /sign-in/ada/phone: 200
	// 1 <nil>
}

// What somebody is told whose session has ended since the last visit.
func ExampleStore_Ended() {
	client, stop := openFirestore()
	defer stop()

	now := time.Now()
	store, err := firesession.NewStore(firesession.Config{
		Client:   client,
		Lifetime: time.Hour,
		Now:      func() time.Time { return now },
	})
	if err != nil {
		log.Fatal(err)
	}
	app := newDevicesApp(store)
	later := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		now = now.Add(40 * time.Minute)
		app.ServeHTTP(w, r)
	})
	browse(later, "POST /sign-in/ada/phone", "GET /", "GET /")
	// Output:
	// POST /sign-in/ada/phone: 200
	// GET /: 200 Welcome!
	// GET /: 200 Please sign in again: your session has ended.
}

// The ID of a session in Sessions is not the one that gorilla/sessions knows, which is its key.
func ExampleStore_SessionID() {
	client, stop := openFirestore()
	defer stop()

	store, err := firesession.NewStore(firesession.Config{Client: client, UserKey: "user"})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /id", func(w http.ResponseWriter, r *http.Request) {
		sess := firesession.Session(r)
		infos, err := store.Sessions(r.Context(), "ada")
		if err != nil {
			http.Error(w, "please try again", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprint(w, infos[0].ID == store.SessionID(sess), " ", infos[0].ID == sess.ID)
	})
	mux.Handle("/", newDevicesApp(store))
	browse(store.Handler(mux), "POST /sign-in/ada/phone", "GET /id")
	// Output:
	// POST /sign-in/ada/phone: 200
	// GET /id: 200 true false
}
