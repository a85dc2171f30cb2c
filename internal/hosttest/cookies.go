package hosttest

import (
	"net/http"
	"slices"
	"strings"

	"github.com/gorilla/sessions"

	"github.com/echofirestore/echofirestore/firesession"
)

const (
	whole   = "__session=KEY, Path=/, Max-Age=3600, HttpOnly, Secure, SameSite=Lax"
	expired = "__session=, Path=/, Max-Age=0, HttpOnly, Secure, SameSite=Lax"
)

// cookieRows are what responses say to the browser about its cookies.
var cookieRows = []row{
	{name: "by default", show: cookies, stored: `{"n":0}`, steps: []step{
		{use: setOne, want: "200 ok; " + whole + `; 1 read, 1 write; {"n":1}`},
		{use: readN, want: "200 1; 1 read"},
		{use: end, want: "200 ok; " + expired + "; 1 read, 1 delete; nothing stored"},
	}},
	{name: "not Secure without TLS", plain: true, show: cookies, steps: []step{
		{use: setOne, want: `200 ok; __session=KEY, Path=/, Max-Age=3600, HttpOnly, SameSite=Lax; 1 write; {"n":1}`},
		{use: end, want: "200 ok; __session=, Path=/, Max-Age=0, HttpOnly, SameSite=Lax; 1 read, 1 delete; nothing stored"},
	}},
	{
		name: "Secure without TLS", plain: true, show: cookies,
		config: func(cfg *firesession.Config) { cfg.Secure = true },
		steps:  []step{{use: setOne, want: "200 ok; " + whole + `; 1 write; {"n":1}`}},
	},
	attributes("Path and Domain", "Path=/app, Domain=example.com, HttpOnly, Secure, SameSite=Lax", func(cfg *firesession.Config) {
		cfg.Path, cfg.Domain = "/app", "example.com"
	}),
	attributes("DisableHTTPOnly", "Path=/, Secure, SameSite=Lax", func(cfg *firesession.Config) { cfg.DisableHTTPOnly = true }),
	attributes("SameSite strict", "Path=/, HttpOnly, Secure, SameSite=Strict", func(cfg *firesession.Config) {
		cfg.SameSite = http.SameSiteStrictMode
	}),
	attributes("SameSite none", "Path=/, HttpOnly, Secure, SameSite=None", func(cfg *firesession.Config) {
		cfg.SameSite, cfg.Secure = http.SameSiteNoneMode, true
	}),
	attributes("SameSite default", "Path=/, HttpOnly, Secure", func(cfg *firesession.Config) { cfg.SameSite = http.SameSiteDefaultMode }),
	attributes("Partitioned", "Path=/, HttpOnly, Secure, SameSite=Lax, Partitioned", func(cfg *firesession.Config) {
		cfg.Partitioned, cfg.Secure = true, true
	}),
	{name: "Options of the session", show: cookies, steps: []step{
		{use: change(func(sess *sessions.Session) {
			sess.Options = &sessions.Options{Path: "/here", MaxAge: 60, HttpOnly: true}
			sess.Values["n"] = 1
		}), want: `200 ok; __session=KEY, Path=/here, Max-Age=60, HttpOnly; 1 write; {"n":1}`},
	}},
	{
		name: "CookieName", show: cookies,
		config: func(cfg *firesession.Config) { cfg.CookieName = "__Host-id"; cfg.Secure = true },
		steps: []step{
			{use: setOne, want: `200 ok; __Host-id=KEY, Path=/, Max-Age=3600, HttpOnly, Secure, SameSite=Lax; 1 write; {"n":1}`},
			{use: readN, want: "200 1; 1 read"},
		},
	},
	{name: "one Set-Cookie, however often it is saved", show: cookies, stored: `{"n":0}`, steps: []step{
		{use: inOrder(set("n", 7), save, renew, setOne, saveOne, save), want: "200 ok; " + whole + `; 1 read, 2 writes, 1 delete; {"n":1}`},
	}},
	{name: "begun and ended in one response", show: cookies, steps: []step{
		{use: inOrder(setOne, save, end), want: "200 ok; " + expired + "; 1 write, 1 delete"},
	}},
	{name: "cookies of the application stay", show: cookies, stored: `{"n":0}`, steps: []step{
		{
			use:  inOrder(addCookie("a=1; Path=/a"), addCookie("__sessions=1"), addCookie("__session=2; Path=/a"), setOne),
			want: "200 ok; __session=2, Path=/a; " + whole + `; __sessions=1; a=1, Path=/a; 1 read, 1 write; {"n":1}`,
		},
	}},
	{name: "a cookie of the application with the session's name and path gives way", show: cookies, stored: `{"n":0}`, steps: []step{
		{use: inOrder(addCookie("__session=2; Path=/"), setOne), want: "200 ok; " + whole + `; 1 read, 1 write; {"n":1}`},
	}},
	{name: "a dead cookie is not touched by reading", stored: `{"n":1}`, steps: []step{
		{cookie: "__session=gone", use: readN, want: "200 <nil>; varies; 1 read"},
	}},
	{name: "several cookies, the living one is changed", stored: `{"n":0}`, steps: []step{
		{cookie: "__session=gone; other=1; __session=KEY", use: setOne, want: `200 ok; issued; 2 reads, 1 write; {"n":1}`},
	}},
	{name: "several cookies, all are ended", stored: `{"n":0}`, steps: []step{
		{cookie: "__session=gone; __session=KEY", use: end, want: "200 ok; deleted; 2 reads, 1 delete; nothing stored"},
	}},
	{name: "several cookies, a failed read is an error", needs: AutoSave | Errors, stored: `{"n":0}`, steps: []step{
		{fails: "load", cookie: "__session=gone; __session=KEY", use: readN, want: notLoaded},
	}},
	{name: "signed, a cookie opens its session and a forged one asks nobody", config: signing, stored: `{"n":0}`, steps: []step{
		{use: setOne, want: `200 ok; issued; 1 read, 1 write; {"n":1}`},
		{cookie: "__session=KEY", use: readN, want: "200 1; varies; 1 read"},
		{cookie: "__session=KEYx", use: readN, want: "200 <nil>; varies"},
		{cookie: "__session=forged", use: readN, want: "200 <nil>; varies"},
		{cookie: "__session=forged; __session=KEY", use: readN, want: "200 1; varies; 1 read"},
	}},
	{name: "hashed, a cookie opens its session and a document's ID does not", config: hashing, stored: `{"n":0}`, steps: []step{
		{use: setOne, want: `200 ok; issued; 1 read, 1 write; {"n":1}`},
		{before: keepDocumentID, cookie: "__session=OLD", use: readN, want: "200 <nil>; varies; 1 read"},
		{cookie: "__session=KEY", use: readN, want: "200 1; varies; 1 read"},
	}},
}

// attributes is a row about the cookie's attributes, which a deletion repeats.
func attributes(name, want string, config func(*firesession.Config)) row {
	return row{name: name, show: cookies, config: func(cfg *firesession.Config) {
		cfg.MaxAge = 0
		config(cfg)
	}, steps: []step{
		{use: setOne, want: "200 ok; __session=KEY, " + want + `; 1 write; {"n":1}`},
		{cookie: "__session=KEY", use: end, want: "200 ok; " + expiredWith(want) + "; 1 read, 1 delete; nothing stored"},
	}}
}

// expiredWith returns the cookie that deletes one with these attributes.
func expiredWith(attributes string) string {
	fields := strings.Split(attributes, ", ")
	i := 1 // behind the path, and the domain if there is one
	if len(fields) > i && strings.HasPrefix(fields[i], "Domain=") {
		i++
	}
	return "__session=, " + strings.Join(slices.Insert(fields, i, "Max-Age=0"), ", ")
}

func addCookie(line string) use {
	return func(c *call) (string, error) {
		c.w.Header().Add("Set-Cookie", line)
		return "ok", nil
	}
}

func signing(cfg *firesession.Config) {
	cfg.SigningKeys = [][]byte{[]byte("an authentication key of 32 byte"), nil}
}

func hashing(cfg *firesession.Config) { cfg.HashKeys = true }

// keepDocumentID keeps the ID of the document, which is no key.
func keepDocumentID(tr *trial) { tr.old = tr.refs()[0].ID }
