//go:build ignore

// This program counts visits on Echo 4. scripts/rehearse.sh builds it outside of the repository.
package main

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/labstack/echo/v4"

	"github.com/echofirestore/echofirestore"
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
	e := echo.New()
	e.Use(echofirestore.Middleware(echofirestore.Config{Client: client}))
	e.GET("/", func(c echo.Context) error {
		sess := echofirestore.Session(c)
		n, _ := sess.Values["visits"].(int)
		sess.Values["visits"] = n + 1
		return c.String(http.StatusOK, fmt.Sprint(n+1))
	})
	visit(e, visit(e, nil))
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
