// Command example counts your visits, and signs you in and out, on Echo 5.
//
//	go run ./example
//
// It brings a Firestore in memory. With GOOGLE_CLOUD_PROJECT set, it uses the Firestore of that project, or the emulator in
// FIRESTORE_EMULATOR_HOST. PORT is the port that it listens on, 8080 by default.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"html/template"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"

	"cloud.google.com/go/firestore"
	"github.com/echofirestore/echofirestore/firestoretest"
	"github.com/labstack/echo/v5"
	"github.com/labstack/echo/v5/middleware"

	"github.com/echofirestore/echofirestore/v5"
)

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	client, err := openFirestore(ctx)
	if err != nil {
		return err
	}
	app := newApp(echofirestore.Config{
		Client: client,
		MaxAge: 86400, // seconds after the last change
		// Secure: true, in production
	})
	server := echo.StartConfig{
		Address:          ":" + cmp.Or(os.Getenv("PORT"), "8080"),
		HideBanner:       true,
		HidePort:         true,
		ListenerAddrFunc: func(addr net.Addr) { log.Printf("url=http://localhost:%d", addr.(*net.TCPAddr).Port) },
	}
	return server.Start(ctx, app)
}

// openFirestore opens the Firestore of the project in GOOGLE_CLOUD_PROJECT, or one in memory.
func openFirestore(ctx context.Context) (*firestore.Client, error) {
	if os.Getenv("GOOGLE_CLOUD_PROJECT") != "" {
		return firestore.NewClient(ctx, firestore.DetectProjectID)
	}
	log.Print("sessions are kept in memory, until this program ends")
	server, err := firestoretest.NewServer() //nolint:contextcheck // it lives as long as the program
	if err != nil {
		return nil, err
	}
	return server.Client(ctx)
}

func newApp(cfg echofirestore.Config) *echo.Echo {
	e := echo.New()
	e.Use(middleware.CSRF(), echofirestore.Middleware(cfg))
	e.GET("/", home)
	e.POST("/sign-in", signIn)
	e.POST("/sign-out", signOut)
	return e
}

var page = template.Must(template.New("").Parse(`<!DOCTYPE html>
<html lang="en">
<title>echofirestore on Echo 5</title>
<h1>Hello, {{or .User "stranger"}}.</h1>
<p class="count">You have seen this page {{.Visits}} {{if eq .Visits 1}}time{{else}}times{{end}}</p>
{{if .User}}
<form method="post" action="/sign-out"><button>Sign out</button></form>
{{else}}
<form method="post" action="/sign-in"><label>Name <input id="name" name="name" required></label> <button>Sign in</button></form>
{{end}}
</html>
`))

// home counts a visit.
func home(c *echo.Context) error {
	sess, err := echofirestore.Get(c) // the document is read here, not before
	if err != nil {
		return err
	}
	visits, _ := echofirestore.Value[int](sess, "visits")
	user, _ := echofirestore.Value[string](sess, "user")
	sess.Values["visits"] = visits + 1
	c.Response().Header().Set("Content-Type", "text/html; charset=utf-8")
	if err := page.Execute(c.Response(), map[string]any{"User": user, "Visits": visits + 1}); err != nil { // saved before the first byte leaves
		return fmt.Errorf("write page: %w", err)
	}
	return nil
}

// signIn signs in whoever gives a name. A real application checks a password first.
func signIn(c *echo.Context) error {
	sess, err := echofirestore.Get(c)
	if err != nil {
		return err
	}
	user := c.FormValue("name")
	sess.Values["user"] = user
	if err := echofirestore.Renew(c); err != nil { // a new key: the old one, which others may know, becomes invalid
		return err
	}
	err = echofirestore.Save(c)
	if errors.Is(err, echofirestore.ErrGone) { // the old session ended meanwhile: begin a new one
		err = echofirestore.Destroy(c)
		sess.Values["user"] = user
	}
	if err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, "/")
}

func signOut(c *echo.Context) error {
	if err := echofirestore.Destroy(c); err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, "/")
}
