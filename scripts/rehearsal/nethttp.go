//go:build ignore

// This program counts visits on net/http. scripts/rehearse.sh builds it outside of the repository.
package main

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/echofirestore/echofirestore/firesession"
	"github.com/echofirestore/echofirestore/firestoretest"
)

func main() {
	firestore, err := firestoretest.NewServer()
	if err != nil {
		log.Fatal(err)
	}
	client, err := firestore.Client(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	store, err := firesession.NewStore(firesession.Config{Client: client})
	if err != nil {
		log.Fatal(err)
	}
	app := store.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sess := firesession.Session(r)
		n, _ := sess.Values["visits"].(int)
		sess.Values["visits"] = n + 1
		fmt.Fprint(w, n+1)
	}))
	visit(app, visit(app, nil))
}

// visit visits an app with cookies, prints what it answers, and returns the cookies that it sets.
func visit(app http.Handler, cookies []*http.Cookie) []*http.Cookie {
	r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
	for _, cookie := range cookies {
		r.AddCookie(cookie)
	}
	rec := httptest.NewRecorder()
	app.ServeHTTP(rec, r)
	fmt.Printf("  visit %s\n", rec.Body)
	resp := rec.Result()
	resp.Body.Close()
	return resp.Cookies()
}
