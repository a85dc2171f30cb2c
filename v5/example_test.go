package echofirestore_test

import (
	"context"
	"encoding/gob"
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
	"github.com/echofirestore/echofirestore/firestoretest"
	"github.com/gorilla/sessions"
	"github.com/labstack/echo/v5"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/echofirestore/echofirestore/v5"
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
// which keeps its cookies and follows redirects.
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

	e := echo.New()
	e.Use(echofirestore.Middleware(echofirestore.Config{
		Client: client,
		MaxAge: 86400, // a day after the last change
		// In production also Secure: true.
	}))
	e.GET("/", func(c *echo.Context) error {
		sess, err := echofirestore.Get(c)
		if err != nil {
			return err
		}
		user, ok := echofirestore.Value[string](sess, "user")
		if !ok {
			return echo.NewHTTPError(http.StatusUnauthorized, "who are you?")
		}
		n, _ := sess.Values["visits"].(int)
		sess.Values["visits"] = n + 1 // saved before the response
		return c.String(http.StatusOK, fmt.Sprintf("visit %d of %s", n+1, user))
	})
	e.POST("/sign-in", func(c *echo.Context) error {
		// Check the password here.
		if err := echofirestore.Renew(c); err != nil {
			return err
		}
		sess, err := echofirestore.Get(c)
		if err != nil {
			return err
		}
		sess.Values["user"] = "alice"
		return c.String(http.StatusOK, "welcome")
	})
	e.POST("/sign-out", func(c *echo.Context) error {
		if err := echofirestore.Destroy(c); err != nil {
			return err
		}
		return c.String(http.StatusOK, "goodbye")
	})

	browse(e, "GET /", "POST /sign-in", "GET /", "GET /", "POST /sign-out", "GET /")
	// Output:
	// GET /: 401 {"message":"who are you?"}
	// POST /sign-in: 200 welcome
	// GET /: 200 visit 1 of alice
	// GET /: 200 visit 2 of alice
	// POST /sign-out: 200 goodbye
	// GET /: 401 {"message":"who are you?"}
}

func ExampleMiddleware() {
	client, stop := openFirestore()
	defer stop()

	e := echo.New()
	e.Use(echofirestore.Middleware(echofirestore.Config{Client: client, MaxAge: 86400}))
	e.GET("/", func(c *echo.Context) error {
		sess, err := echofirestore.Get(c)
		if err != nil {
			return err
		}
		n, _ := sess.Values["visits"].(int)
		sess.Values["visits"] = n + 1
		return c.String(http.StatusOK, fmt.Sprint(n+1))
	})

	browse(e, "GET /", "GET /", "GET /")
	// Output:
	// GET /: 200 1
	// GET /: 200 2
	// GET /: 200 3
}

func ExampleConfig_ToMiddleware() {
	client, stop := openFirestore()
	defer stop()

	_, err := echofirestore.Config{Client: client, SameSite: http.SameSiteNoneMode}.ToMiddleware()
	fmt.Println(err)
	// Output:
	// echofirestore: Config.SameSite is http.SameSiteNoneMode, which browsers accept only with Secure: true
}

// The client gets the answer of ErrorHandler whenever its session could not be read or saved.
func ExampleConfig_errorHandler() {
	server, err := firestoretest.NewServer()
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	client, err := server.Client(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	e := echo.New()
	e.Use(echofirestore.Middleware(echofirestore.Config{
		Client: client,
		ErrorHandler: func(c *echo.Context, err error) error {
			if errors.Is(err, echofirestore.ErrTooLarge) {
				return c.String(http.StatusRequestEntityTooLarge, "your cart is full")
			}
			c.Response().Header().Set("Retry-After", "10")
			return c.String(http.StatusServiceUnavailable, "please try again")
		},
	}))
	e.PUT("/cart", func(c *echo.Context) error {
		sess, err := echofirestore.Get(c)
		if err != nil {
			return err
		}
		sess.Values["cart"] = strings.Repeat(c.QueryParam("item"), 1<<18)
		return c.String(http.StatusOK, "added")
	})

	server.Inject(firestoretest.Fault{Method: "Commit", Err: status.Error(codes.PermissionDenied, "no")})
	browse(e, "PUT /cart?item=pin", "PUT /cart?item=piano", "PUT /cart?item=pin")
	// Output:
	// PUT /cart?item=pin: 503 please try again
	// PUT /cart?item=piano: 413 your cart is full
	// PUT /cart?item=pin: 200 added
}

func ExampleGet() {
	client, stop := openFirestore()
	defer stop()

	e := echo.New()
	e.Use(echofirestore.Middleware(echofirestore.Config{Client: client}))
	e.GET("/theme", func(c *echo.Context) error {
		sess, err := echofirestore.Get(c) // reads the document, if the browser has sent a cookie
		if err != nil {
			return err // Firestore did not answer: the client gets a 503
		}
		if sess.IsNew {
			return c.String(http.StatusOK, "light, by default")
		}
		return c.String(http.StatusOK, sess.Values["theme"].(string))
	})
	e.PUT("/theme", func(c *echo.Context) error {
		sess, err := echofirestore.Get(c)
		if err != nil {
			return err
		}
		sess.Values["theme"] = "dark"
		return c.NoContent(http.StatusNoContent) // saved before this is sent
	})

	browse(e, "GET /theme", "PUT /theme", "GET /theme")
	// Output:
	// GET /theme: 200 light, by default
	// PUT /theme: 204
	// GET /theme: 200 dark
}

// Templates and other code that cannot deal with an error use Session. If the session could not be read, it is empty, and the
// client gets a 503 in place of what the handler writes.
func ExampleSession() {
	client, stop := openFirestore()
	defer stop()

	e := echo.New()
	e.Use(echofirestore.Middleware(echofirestore.Config{Client: client}))
	e.GET("/", func(c *echo.Context) error {
		sess := echofirestore.Session(c)
		n, _ := sess.Values["visits"].(int)
		sess.Values["visits"] = n + 1
		return c.String(http.StatusOK, fmt.Sprint(n+1))
	})

	browse(e, "GET /", "GET /")
	// Output:
	// GET /: 200 1
	// GET /: 200 2
}

// Save tells a handler whether its changes could be stored while it can still do something about it.
func ExampleSave() {
	client, stop := openFirestore()
	defer stop()

	e := echo.New()
	e.Use(echofirestore.Middleware(echofirestore.Config{Client: client}))
	e.PUT("/draft/:megabytes", func(c *echo.Context) error {
		sess, err := echofirestore.Get(c)
		if err != nil {
			return err
		}
		size := 1 << 20
		if c.Param("megabytes") == "0" {
			size = 1 << 10
		}
		sess.Values["draft"] = strings.Repeat("x", size)
		err = echofirestore.Save(c)
		if errors.Is(err, echofirestore.ErrTooLarge) {
			delete(sess.Values, "draft") // else the save before the response would fail, too
			return c.String(http.StatusRequestEntityTooLarge, "too long for a draft")
		}
		if err != nil {
			return err
		}
		return c.String(http.StatusOK, "kept")
	})

	browse(e, "PUT /draft/0", "PUT /draft/1")
	// Output:
	// PUT /draft/0: 200 kept
	// PUT /draft/1: 413 too long for a draft
}

func ExampleDestroy() {
	client, stop := openFirestore()
	defer stop()

	e := echo.New()
	e.Use(echofirestore.Middleware(echofirestore.Config{Client: client}))
	e.POST("/sign-in", func(c *echo.Context) error {
		sess, err := echofirestore.Get(c)
		if err != nil {
			return err
		}
		sess.Values["user"] = "alice"
		return c.String(http.StatusOK, "hello")
	})
	e.POST("/sign-out", func(c *echo.Context) error {
		// One delete, and no read.
		if err := echofirestore.Destroy(c); err != nil {
			return err
		}
		return c.String(http.StatusOK, "goodbye")
	})
	e.GET("/", func(c *echo.Context) error {
		sess, err := echofirestore.Get(c)
		if err != nil {
			return err
		}
		return c.JSON(http.StatusOK, sess.Values["user"])
	})

	browse(e, "POST /sign-in", "GET /", "POST /sign-out", "GET /")
	// Output:
	// POST /sign-in: 200 hello
	// GET /: 200 "alice"
	// POST /sign-out: 200 goodbye
	// GET /: 200 null
}

// Whoever signs in gets a new key, so that nobody who may have known the old one is signed in along.
func ExampleRenew() {
	client, stop := openFirestore()
	defer stop()

	e := echo.New()
	e.Use(echofirestore.Middleware(echofirestore.Config{Client: client}))
	e.PUT("/cart", func(c *echo.Context) error {
		sess, err := echofirestore.Get(c)
		if err != nil {
			return err
		}
		sess.Values["cart"] = []string{"umbrella"}
		return c.NoContent(http.StatusNoContent)
	})
	e.POST("/sign-in", func(c *echo.Context) error {
		sess, err := echofirestore.Get(c)
		if err != nil {
			return err
		}
		sess.Values["user"] = "alice"
		if err := echofirestore.Renew(c); err != nil {
			return err
		}
		// The save before the response would do. It comes here to show the new key.
		old := sess.ID
		if err := echofirestore.Save(c); err != nil {
			return err
		}
		return c.String(http.StatusOK, fmt.Sprintf("new key: %t, cart: %v", sess.ID != old, sess.Values["cart"]))
	})

	browse(e, "PUT /cart", "POST /sign-in")
	// Output:
	// PUT /cart: 204
	// POST /sign-in: 200 new key: true, cart: [umbrella]
}

// With a cache, a session that was revoked in another process may be in use for CacheFor. Refresh finds out.
func ExampleRefresh() {
	client, stop := openFirestore()
	defer stop()
	cfg := echofirestore.Config{
		Client: client, UserKey: "user",
		SigningKeys: [][]byte{[]byte("32 or 64 random bytes, from a secret manager, like all of these.")},
		CacheFor:    10 * time.Second,
	}
	elsewhere, err := echofirestore.NewStore(cfg) // the Store of another process
	if err != nil {
		log.Fatal(err)
	}

	e := echo.New()
	e.Use(echofirestore.Middleware(cfg))
	e.POST("/sign-in", func(c *echo.Context) error {
		sess, err := echofirestore.Get(c)
		if err != nil {
			return err
		}
		sess.Values["user"] = "ada"
		return c.NoContent(http.StatusOK)
	})
	e.GET("/", func(c *echo.Context) error {
		sess, err := echofirestore.Get(c)
		if err != nil {
			return err
		}
		return c.String(http.StatusOK, fmt.Sprint(sess.Values["user"]))
	})
	e.POST("/pay", func(c *echo.Context) error {
		err := echofirestore.Refresh(c)
		if errors.Is(err, echofirestore.ErrGone) {
			return c.String(http.StatusUnauthorized, "please sign in")
		}
		if err != nil {
			return err
		}
		return c.String(http.StatusOK, "paid")
	})
	e.POST("/revoke", func(c *echo.Context) error { // as an administrator does, in the other process
		n, err := elsewhere.RevokeUser(c.Request().Context(), "ada")
		if err != nil {
			return err
		}
		return c.String(http.StatusOK, fmt.Sprint(n, " revoked"))
	})

	browse(e, "POST /sign-in", "POST /pay", "POST /revoke", "GET /", "POST /pay", "GET /")
	// Output:
	// POST /sign-in: 200
	// POST /pay: 200 paid
	// POST /revoke: 200 1 revoked
	// GET /: 200 ada
	// POST /pay: 401 please sign in
	// GET /: 200 <nil>
}

// A voucher works once, however many requests try it at the same time.
func ExampleUpdate() {
	client, stop := openFirestore()
	defer stop()

	e := echo.New()
	e.Use(echofirestore.Middleware(echofirestore.Config{Client: client}))
	e.POST("/voucher", func(c *echo.Context) error {
		sess, err := echofirestore.Get(c)
		if err != nil {
			return err
		}
		sess.Values["voucher"] = "50 % off"
		return c.String(http.StatusOK, "here it is")
	})
	errUsed := errors.New("voucher used")
	e.POST("/voucher/use", func(c *echo.Context) error {
		err := echofirestore.Update(c, func(sess *sessions.Session) error {
			if _, ok := sess.Values["voucher"]; !ok {
				return errUsed
			}
			delete(sess.Values, "voucher")
			sess.Values["discount"] = 50
			return nil
		})
		if errors.Is(err, errUsed) {
			return c.String(http.StatusConflict, "there is no voucher")
		}
		if err != nil {
			return err
		}
		return c.String(http.StatusOK, "enjoy")
	})

	browse(e, "POST /voucher", "POST /voucher/use", "POST /voucher/use")
	// Output:
	// POST /voucher: 200 here it is
	// POST /voucher/use: 200 enjoy
	// POST /voucher/use: 409 there is no voucher
}

// Value gives a value the Go type that it had before it went through JSON.
func ExampleValue() {
	client, stop := openFirestore()
	defer stop()

	type address struct {
		Street string `json:"street"`
		Floor  int8   `json:"floor"`
	}
	e := echo.New()
	e.Use(echofirestore.Middleware(echofirestore.Config{Client: client}))
	e.PUT("/", func(c *echo.Context) error {
		sess, err := echofirestore.Get(c)
		if err != nil {
			return err
		}
		sess.Values["address"] = address{Street: "Baker Street", Floor: 1}
		sess.Values["since"] = time.Date(2026, 2, 20, 9, 30, 0, 0, time.UTC)
		sess.Values["tags"] = []string{"detective", "violin"}
		return c.NoContent(http.StatusNoContent)
	})
	e.GET("/", func(c *echo.Context) error {
		sess, err := echofirestore.Get(c)
		if err != nil {
			return err
		}
		fmt.Printf("stored: %v %v %v\n", sess.Values["address"], sess.Values["since"], sess.Values["tags"])

		home, ok := echofirestore.Value[address](sess, "address")
		fmt.Printf("%+v %t\n", home, ok)
		since, ok := echofirestore.Value[time.Time](sess, "since")
		fmt.Println(since, ok)
		tags, ok := echofirestore.Value[[]string](sess, "tags")
		fmt.Println(strings.Join(tags, ", "), ok)
		number, ok := echofirestore.Value[int](sess, "tags")
		fmt.Println(number, ok)
		return c.NoContent(http.StatusNoContent)
	})

	browse(e, "PUT /", "GET /")
	// Output:
	// PUT /: 204
	// stored: map[floor:1 street:Baker Street] 1771579800000 [detective violin]
	// {Street:Baker Street Floor:1} true
	// 2026-02-20 09:30:00 +0000 UTC true
	// detective, violin true
	// 0 false
	// GET /: 204
}

// "Keep me signed in": a session may live longer, or shorter, than Config.MaxAge says. Its own max age is stored with it
// and counts from each of its changes on.
func Example_maxAgeOfOneSession() {
	client, stop := openFirestore()
	defer stop()

	now := time.Now()
	e := echo.New()
	e.Use(echofirestore.Middleware(echofirestore.Config{
		Client: client,
		MaxAge: 3600,
		Now:    func() time.Time { return now },
	}))
	e.POST("/sign-in", func(c *echo.Context) error {
		sess, err := echofirestore.Get(c)
		if err != nil {
			return err
		}
		sess.Values["user"] = "alice"
		if c.QueryParam("keep") == "yes" {
			sess.Options.MaxAge = 30 * 24 * 60 * 60
		}
		return c.String(http.StatusOK, "hello")
	})
	e.POST("/wait-a-day", func(c *echo.Context) error {
		now = now.Add(24 * time.Hour)
		return c.String(http.StatusOK, "zzz")
	})
	e.GET("/", func(c *echo.Context) error {
		sess, err := echofirestore.Get(c)
		if err != nil {
			return err
		}
		return c.JSON(http.StatusOK, sess.Values["user"])
	})

	browse(e, "POST /sign-in", "POST /wait-a-day", "GET /")
	browse(e, "POST /sign-in?keep=yes", "POST /wait-a-day", "GET /")
	// Output:
	// POST /sign-in: 200 hello
	// POST /wait-a-day: 200 zzz
	// GET /: 200 null
	// POST /sign-in?keep=yes: 200 hello
	// POST /wait-a-day: 200 zzz
	// GET /: 200 "alice"
}

// A flash is a message for the next page, and only for that.
func Example_flashes() {
	client, stop := openFirestore()
	defer stop()

	e := echo.New()
	e.Use(echofirestore.Middleware(echofirestore.Config{Client: client}))
	e.POST("/order", func(c *echo.Context) error {
		sess, err := echofirestore.Get(c)
		if err != nil {
			return err
		}
		sess.AddFlash("Thank you for your order.")
		return c.Redirect(http.StatusSeeOther, "/")
	})
	e.GET("/", func(c *echo.Context) error {
		sess, err := echofirestore.Get(c)
		if err != nil {
			return err
		}
		return c.String(http.StatusOK, fmt.Sprint(sess.Flashes()...))
	})

	browse(e, "POST /order", "GET /")
	// Output:
	// POST /order: 200 Thank you for your order.
	// GET /: 200
}

// A second session with a cookie of its own, which outlives the sign-out.
func Example_otherNames() {
	client, stop := openFirestore()
	defer stop()

	store, err := echofirestore.NewStore(echofirestore.Config{Client: client})
	if err != nil {
		log.Fatal(err)
	}
	e := echo.New()
	e.Use(store.Middleware())
	e.POST("/sign-in", func(c *echo.Context) error {
		sess, err := echofirestore.Get(c)
		if err != nil {
			return err
		}
		prefs, err := store.Get(c.Request(), "prefs") // or session.Get("prefs", c) of echo-contrib
		if err != nil {
			return err
		}
		sess.Values["user"] = "alice"
		prefs.Values["language"] = "ja"
		return c.String(http.StatusOK, "hello")
	})
	e.POST("/sign-out", echofirestore.Destroy)
	e.GET("/", func(c *echo.Context) error {
		sess, err := echofirestore.Get(c)
		if err != nil {
			return err
		}
		prefs, err := store.Get(c.Request(), "prefs")
		if err != nil {
			return err
		}
		return c.String(http.StatusOK, fmt.Sprintf("user %v, language %v", sess.Values["user"], prefs.Values["language"]))
	})

	browse(e, "POST /sign-in", "GET /", "POST /sign-out", "GET /")
	// Output:
	// POST /sign-in: 200 hello
	// GET /: 200 user alice, language ja
	// POST /sign-out: 200
	// GET /: 200 user <nil>, language ja
}

func ExampleNewStore() {
	_, err := echofirestore.NewStore(echofirestore.Config{CookieName: "my session"})
	fmt.Println(err)
	// Output:
	// echofirestore: Config.Client is missing: give it the *firestore.Client of firestore.NewClient
	// echofirestore: Config.CookieName "my session" is not a valid cookie name: use letters, digits, '-' and '_'
}

// A Store is all that a program without Echo needs. It saves when it is told to.
func ExampleStore() {
	client, stop := openFirestore()
	defer stop()

	store, err := echofirestore.NewStore(echofirestore.Config{Client: client, MaxAge: 86400})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
		sess, err := store.Get(r, echofirestore.DefaultCookieName)
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

// The Store of the middleware serves net/http handlers inside of Echo too. They get the session that Echo's handlers
// get, and need not save it.
func ExampleStore_Middleware() {
	client, stop := openFirestore()
	defer stop()

	store, err := echofirestore.NewStore(echofirestore.Config{Client: client})
	if err != nil {
		log.Fatal(err)
	}
	e := echo.New()
	e.Use(store.Middleware())
	e.GET("/", echo.WrapHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sess, err := store.Get(r, echofirestore.DefaultCookieName)
		if err != nil {
			http.Error(w, "please try again", http.StatusServiceUnavailable)
			return
		}
		n, _ := sess.Values["visits"].(int)
		sess.Values["visits"] = n + 1
		fmt.Fprint(w, n+1)
	})))

	browse(e, "GET /", "GET /")
	// Output:
	// GET /: 200 1
	// GET /: 200 2
}

func ExampleStore_Get() {
	client, stop := openFirestore()
	defer stop()

	store, err := echofirestore.NewStore(echofirestore.Config{Client: client})
	if err != nil {
		log.Fatal(err)
	}
	// A request without a cookie, or with one that cannot be a key, has a new session. Firestore is not asked.
	r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
	r.AddCookie(&http.Cookie{Name: echofirestore.DefaultCookieName, Value: "../users/alice"})
	sess, err := store.Get(r, echofirestore.DefaultCookieName)
	fmt.Println(sess.IsNew, sess.ID == "", len(sess.Values), err)

	again, err := store.Get(r, echofirestore.DefaultCookieName)
	fmt.Println(sess == again, err)
	// Output:
	// true true 0 <nil>
	// true <nil>
}

// New shows what is stored by now, whatever has become of the session that Get returned.
func ExampleStore_New() {
	client, stop := openFirestore()
	defer stop()

	store, err := echofirestore.NewStore(echofirestore.Config{Client: client})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /", func(w http.ResponseWriter, r *http.Request) {
		sess, err := store.Get(r, echofirestore.DefaultCookieName)
		if err != nil {
			log.Fatal(err)
		}
		sess.Values["step"] = 1
		if err := sess.Save(r, w); err != nil {
			log.Fatal(err)
		}
	})
	mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
		sess, err := store.Get(r, echofirestore.DefaultCookieName)
		if err != nil {
			log.Fatal(err)
		}
		sess.Values["step"] = 2 // not saved
		stored, err := store.New(r, echofirestore.DefaultCookieName)
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

	store, err := echofirestore.NewStore(echofirestore.Config{Client: client})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /sign-in", func(w http.ResponseWriter, r *http.Request) {
		sess, err := store.Get(r, echofirestore.DefaultCookieName)
		if err != nil {
			log.Fatal(err)
		}
		sess.Values["user"] = "alice"
		if err := store.Save(r, w, sess); err != nil {
			log.Fatal(err)
		}
	})
	mux.HandleFunc("POST /sign-out", func(w http.ResponseWriter, r *http.Request) {
		sess, err := store.Get(r, echofirestore.DefaultCookieName)
		if err != nil {
			log.Fatal(err)
		}
		sess.Options.MaxAge = -1
		if err := store.Save(r, w, sess); err != nil {
			log.Fatal(err)
		}
	})
	mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
		sess, err := store.Get(r, echofirestore.DefaultCookieName)
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

	store, err := echofirestore.NewStore(echofirestore.Config{Client: client})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /", func(w http.ResponseWriter, r *http.Request) {
		var n int
		err := store.Update(r, w, echofirestore.DefaultCookieName, func(sess *sessions.Session) error {
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

func ExampleEncodeJSON() {
	text, err := echofirestore.EncodeJSON(echofirestore.Payload{
		Created: 1700000000,
		Values: map[string]any{
			"user":  "alice",
			"n":     3,
			"ratio": 3.0,
			"since": time.Date(2026, 2, 20, 9, 30, 0, 0, time.UTC),
		},
	})
	fmt.Println(text, err)

	_, err = echofirestore.EncodeJSON(echofirestore.Payload{Values: map[string]any{
		"jobs": map[string]any{"done": make(chan int)},
	}})
	fmt.Println(err)
	// Output:
	// {"created":1700000000,"session":{"n":3,"ratio":3.0,"since":1771579800000,"user":"alice"}} <nil>
	// echofirestore: encode session: key "jobs": key "done": json: unsupported type: chan int
}

func ExampleDecodeJSON() {
	// As Python's aiohttp-session-firestore writes it.
	p, err := echofirestore.DecodeJSON(`{"created": 1700000000, "session": {"n": 3, "ratio": 3.0, "tags": ["a", null]}}`)
	fmt.Println(p.Created, err)
	fmt.Printf("%#v %#v %#v\n", p.Values["n"], p.Values["ratio"], p.Values["tags"])

	_, err = echofirestore.DecodeJSON(`{"created": "yesterday", "session": {}}`)
	fmt.Println(err)
	// Output:
	// 1700000000 <nil>
	// 3 3 []interface {}{"a", interface {}(nil)}
	// echofirestore: decode session: created is not an integer of 64 bits
}

// With gob, values come back as the Go types that they were.
func ExampleEncodeGob() {
	client, stop := openFirestore()
	defer stop()

	gob.Register(time.Duration(0))
	e := echo.New()
	e.Use(echofirestore.Middleware(echofirestore.Config{
		Client:  client,
		Encoder: echofirestore.EncodeGob,
		Decoder: echofirestore.DecodeGob,
	}))
	e.PUT("/", func(c *echo.Context) error {
		sess, err := echofirestore.Get(c)
		if err != nil {
			return err
		}
		sess.Values["snooze"] = 9 * time.Minute
		return c.NoContent(http.StatusNoContent)
	})
	e.GET("/", func(c *echo.Context) error {
		sess, err := echofirestore.Get(c)
		if err != nil {
			return err
		}
		return c.String(http.StatusOK, sess.Values["snooze"].(time.Duration).String())
	})

	browse(e, "PUT /", "GET /")
	// Output:
	// PUT /: 204
	// GET /: 200 9m0s
}

func ExampleDecodeGob() {
	text, err := echofirestore.EncodeGob(echofirestore.Payload{
		Created: 1700000000,
		Values:  map[string]any{"big": int64(3), "when": time.Date(2026, 2, 20, 9, 30, 0, 0, time.UTC)},
	})
	if err != nil {
		log.Fatal(err)
	}
	p, err := echofirestore.DecodeGob(text)
	fmt.Printf("%d %T %v %v\n", p.Created, p.Values["big"], p.Values["when"], err)
	// Output:
	// 1700000000 int64 2026-02-20 09:30:00 +0000 UTC <nil>
}
