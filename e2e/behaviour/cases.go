package behaviour

import (
	"fmt"
	"slices"

	"github.com/gorilla/sessions"
)

// Programs that are known to differ in some of the cases.
const (
	CookieStore     = "CookieStore"     // gorilla's: all is in the cookie
	FilesystemStore = "FilesystemStore" // gorilla's: for it, a MaxAge of 0 deletes
)

// What responses set, if they do.
var (
	issued    = []string{cookie("session", keyword, "/", MaxAge)}
	deleted   = []string{cookie("session", "", "/", 0)}
	bothSaved = []string{cookie("prefs", keyword, "/", MaxAge), cookie("session", keyword, "/", MaxAge)}
)

func cookie(name, value, path string, maxAge int) string {
	return fmt.Sprintf("%s=%s; Path=%s; Max-Age=%d; HttpOnly; SameSite=Lax", name, value, path, maxAge)
}

// cases are the usage patterns of gorilla's documentation and tests, and those of stores like Redis's.
var cases = []Case{
	{
		Name: "a new session",
		Steps: []Step{
			{Do: reading(func(sess *sessions.Session) any {
				return fmt.Sprintf("%s new=%t id=%q values=%d", sess.Name(), sess.IsNew, sess.ID, len(sess.Values))
			}), Seen: Seen{Body: `session new=true id="" values=0`}},
		},
	},
	{
		Name: "a value is kept",
		Steps: []Step{
			{Do: setFoo("bar"), Seen: Seen{"saved", issued, "1 write"}},
			{Do: reading(func(sess *sessions.Session) any {
				return fmt.Sprintf("%v new=%t", sess.Values["foo"], sess.IsNew)
			}), Seen: Seen{"bar new=false", nil, "1 read"}},
		},
	},
	{
		Name: "a value is changed, another one removed",
		Steps: []Step{
			{Do: setFoo("bar"), Seen: Seen{"saved", issued, "1 write"}},
			{Do: saving(func(sess *sessions.Session) any {
				delete(sess.Values, "foo")
				sess.Values["color"] = "red"
				return "saved"
			}), Seen: Seen{"saved", issued, "1 read, 1 write"}},
			{Do: reading(func(sess *sessions.Session) any { return sess.Values }), Seen: Seen{"map[color:red]", nil, "1 read"}},
		},
	},
	{
		Name: "a change is not saved unless told",
		Steps: []Step{
			{Do: setFoo("bar"), Seen: Seen{"saved", issued, "1 write"}},
			{Do: reading(func(sess *sessions.Session) any {
				sess.Values["foo"] = "changed"
				return "changed"
			}), Seen: Seen{"changed", nil, "1 read"}},
			{Do: getFoo, Seen: Seen{"bar", nil, "1 read"}},
		},
	},
	{
		Name: "an unchanged session is not written",
		Steps: []Step{
			{Do: setFoo("bar"), Seen: Seen{"saved", issued, "1 write"}},
			{Do: setFoo("bar"), Seen: Seen{"saved", nil, "1 read"}},
		},
		Known: map[string]Known{
			CookieStore:     {"sets the cookie again", []Seen{{Body: "saved", Cookies: issued}, {Body: "saved", Cookies: issued}}},
			FilesystemStore: {"sets the cookie again", []Seen{{Body: "saved", Cookies: issued}, {Body: "saved", Cookies: issued}}},
		},
	},
	{
		Name: "a new session without values is not stored",
		Steps: []Step{
			{Do: saving(func(*sessions.Session) any { return "saved" }), Seen: Seen{Body: "saved"}},
		},
		Known: map[string]Known{
			CookieStore:     {"sets a cookie", []Seen{{Body: "saved", Cookies: issued}}},
			FilesystemStore: {"sets a cookie", []Seen{{Body: "saved", Cookies: issued}}},
		},
	},
	{
		Name: "a session that was emptied is deleted",
		Steps: []Step{
			{Do: setFoo("bar"), Seen: Seen{"saved", issued, "1 write"}},
			{Do: saving(func(sess *sessions.Session) any {
				clear(sess.Values)
				return "saved"
			}), Seen: Seen{"saved", deleted, "1 read, 1 delete"}},
			{Do: reading(func(sess *sessions.Session) any { return sess.IsNew }), Seen: Seen{Body: "true"}},
		},
		Known: map[string]Known{
			CookieStore:     {"keeps it", []Seen{{Body: "saved", Cookies: issued}, {Body: "saved", Cookies: issued}, {Body: "false"}}},
			FilesystemStore: {"keeps it", []Seen{{Body: "saved", Cookies: issued}, {Body: "saved", Cookies: issued}, {Body: "false"}}},
		},
	},
	{
		Name: "a session is saved twice in a request",
		Steps: []Step{
			{Do: func(r Request) (string, error) {
				if _, err := setFoo("bar")(r); err != nil {
					return "", err
				}
				return setFoo("bar")(r)
			}, Seen: Seen{"saved", issued, "1 write"}},
			{Do: getFoo, Seen: Seen{"bar", nil, "1 read"}},
		},
		Known: map[string]Known{
			CookieStore:     {"sets the cookie twice", []Seen{{Body: "saved", Cookies: slices.Concat(issued, issued)}, {Body: "bar"}}},
			FilesystemStore: {"sets the cookie twice", []Seen{{Body: "saved", Cookies: slices.Concat(issued, issued)}, {Body: "bar"}}},
		},
	},
	{
		Name: "flashes are there once",
		Steps: []Step{
			{Do: saving(func(sess *sessions.Session) any {
				sess.Values["user"] = "alice"
				sess.AddFlash("foo")
				sess.AddFlash("bar")
				sess.AddFlash("baz", "custom_key")
				return "saved"
			}), Seen: Seen{"saved", issued, "1 write"}},
			{Do: saving(func(sess *sessions.Session) any {
				return fmt.Sprint(sess.Flashes(), sess.Flashes())
			}), Seen: Seen{"[foo bar] []", issued, "1 read, 1 write"}},
			{Do: saving(func(sess *sessions.Session) any {
				return fmt.Sprint(sess.Flashes(), sess.Flashes("custom_key"), sess.Flashes("custom_key"))
			}), Seen: Seen{"[] [baz] []", issued, "1 read, 1 write"}},
			{Do: reading(func(sess *sessions.Session) any { return sess.Values }), Seen: Seen{"map[user:alice]", nil, "1 read"}},
		},
	},
	{
		Name: "a session of nothing but flashes ends with them",
		Steps: []Step{
			{Do: saving(func(sess *sessions.Session) any {
				sess.AddFlash("Hello")
				return "saved"
			}), Seen: Seen{"saved", issued, "1 write"}},
			{Do: saving(func(sess *sessions.Session) any { return sess.Flashes() }), Seen: Seen{"[Hello]", deleted, "1 read, 1 delete"}},
			{Do: saving(func(sess *sessions.Session) any { return sess.Flashes() }), Seen: Seen{Body: "[]"}},
		},
		Known: map[string]Known{
			CookieStore:     {"keeps it", []Seen{{Body: "saved", Cookies: issued}, {Body: "[Hello]", Cookies: issued}, {Body: "[]", Cookies: issued}}},
			FilesystemStore: {"keeps it", []Seen{{Body: "saved", Cookies: issued}, {Body: "[Hello]", Cookies: issued}, {Body: "[]", Cookies: issued}}},
		},
	},
	{
		Name: "Options are replaced",
		Steps: []Step{
			{Do: saving(func(sess *sessions.Session) any {
				sess.Options = &sessions.Options{Path: "/", MaxAge: 86400 * 7, HttpOnly: true}
				sess.Values["foo"] = "bar"
				return "saved"
			}), Seen: Seen{"saved", []string{"session=KEY; Path=/; Max-Age=604800; HttpOnly"}, "1 write"}},
			{Do: getFoo, Seen: Seen{"bar", nil, "1 read"}},
		},
	},
	{
		Name: "Options.MaxAge stays that of the session",
		Steps: []Step{
			{Do: saving(func(sess *sessions.Session) any {
				sess.Options.MaxAge = 86400 * 7
				sess.Values["foo"] = "bar"
				return "saved"
			}), Seen: Seen{"saved", []string{cookie("session", keyword, "/", 86400*7)}, "1 write"}},
			{Do: setFoo("changed"), Seen: Seen{"saved", []string{cookie("session", keyword, "/", 86400*7)}, "1 read, 1 write"}},
		},
		Known: map[string]Known{
			CookieStore:     {"is the store's again", []Seen{{Body: "saved", Cookies: []string{cookie("session", keyword, "/", 86400*7)}}, {Body: "saved", Cookies: issued}}},
			FilesystemStore: {"is the store's again", []Seen{{Body: "saved", Cookies: []string{cookie("session", keyword, "/", 86400*7)}}, {Body: "saved", Cookies: issued}}},
		},
	},
	{
		Name: "Options.MaxAge of 0 is until the browser closes",
		Steps: []Step{
			{Do: saving(func(sess *sessions.Session) any {
				sess.Options.MaxAge = 0
				sess.Values["foo"] = "bar"
				return "saved"
			}), Seen: Seen{"saved", []string{"session=KEY; Path=/; HttpOnly; SameSite=Lax"}, "1 write"}},
			{Do: getFoo, Seen: Seen{"bar", nil, "1 read"}},
		},
		Known: map[string]Known{
			FilesystemStore: {"deletes the session", []Seen{{Body: "saved", Cookies: []string{"session=; Path=/; HttpOnly; SameSite=Lax"}}, {Body: "500"}}},
		},
	},
	{
		Name: "Options.MaxAge of -1 deletes",
		Steps: []Step{
			{Do: setFoo("bar"), Seen: Seen{"saved", issued, "1 write"}},
			{Do: saving(func(sess *sessions.Session) any {
				sess.Options.MaxAge = -1
				return "deleted"
			}), Seen: Seen{"deleted", deleted, "1 read, 1 delete"}},
			{Do: getFoo, Seen: Seen{Body: "<nil>"}},
			{Do: getFoo, Cookie: "session=KEY", Seen: Seen{"<nil>", nil, "1 read"}},
		},
		Known: map[string]Known{
			CookieStore:     {"who kept the cookie has the session", []Seen{{Body: "saved", Cookies: issued}, {Body: "deleted", Cookies: []string{cookie("session", keyword, "/", 0)}}, {Body: "<nil>"}, {Body: "bar"}}},
			FilesystemStore: {"the old cookie is an error", []Seen{{Body: "saved", Cookies: issued}, {Body: "deleted", Cookies: deleted}, {Body: "<nil>"}, {Body: "500"}}},
		},
	},
	{
		Name: "Options.MaxAge of -1 on a new session",
		Steps: []Step{
			{Do: saving(func(sess *sessions.Session) any {
				sess.Options.MaxAge = -1
				sess.Values["foo"] = "bar"
				return "deleted"
			}), Seen: Seen{"deleted", deleted, "nothing"}},
		},
		Known: map[string]Known{
			CookieStore: {"the values are in the cookie", []Seen{{Body: "deleted", Cookies: []string{cookie("session", keyword, "/", 0)}}}},
		},
	},
	{
		Name: "Options.Path",
		Steps: []Step{
			{Path: "/app/settings", Do: saving(func(sess *sessions.Session) any {
				sess.Options.Path = "/app"
				sess.Values["foo"] = "bar"
				return "saved"
			}), Seen: Seen{"saved", []string{cookie("session", keyword, "/app", MaxAge)}, "1 write"}},
			{Path: "/app", Do: getFoo, Seen: Seen{"bar", nil, "1 read"}},
			{Do: getFoo, Seen: Seen{Body: "<nil>"}},
		},
	},
	{
		Name: "sessions.Save saves several sessions",
		Steps: []Step{
			{Do: both(func(one, two *sessions.Session) any {
				one.Values["foo"], two.Values["lang"] = "bar", "ja"
				return "saved"
			}), Seen: Seen{"saved", bothSaved, "2 writes"}},
			{Do: both(func(one, two *sessions.Session) any {
				two.Values["lang"] = "en"
				return one.Values["foo"]
			}), Seen: Seen{"bar", []string{cookie("prefs", keyword, "/", MaxAge)}, "2 reads, 1 write"}},
			{Do: getFoo, Seen: Seen{"bar", nil, "1 read"}},
		},
		Known: map[string]Known{
			CookieStore:     {"sets both cookies again", []Seen{{Body: "saved", Cookies: bothSaved}, {Body: "bar", Cookies: bothSaved}, {Body: "bar"}}},
			FilesystemStore: {"sets both cookies again", []Seen{{Body: "saved", Cookies: bothSaved}, {Body: "bar", Cookies: bothSaved}, {Body: "bar"}}},
		},
	},
	{
		Name: "a key opens no session of another name",
		Steps: []Step{
			{Do: setFoo("bar"), Seen: Seen{"saved", issued, "1 write"}},
			{Cookie: "prefs=KEY", Do: both(func(_, two *sessions.Session) any {
				return fmt.Sprint(two.IsNew, two.Values)
			}), Seen: Seen{"true map[]", nil, "1 read"}},
		},
		Known: map[string]Known{
			CookieStore:     {"it is an error", []Seen{{Body: "saved", Cookies: issued}, {Body: "500"}}},
			FilesystemStore: {"it is an error", []Seen{{Body: "saved", Cookies: issued}, {Body: "500"}}},
		},
	},
	{
		Name: "a session is the same throughout a request",
		Steps: []Step{
			{Do: setFoo("bar"), Seen: Seen{"saved", issued, "1 write"}},
			{Do: func(r Request) (string, error) {
				first, err := r.Get("session")
				if err != nil {
					return "", err
				}
				second, err := r.Get("session")
				if err != nil {
					return "", err
				}
				copied, err := first.Store().Get(r.R.WithContext(r.R.Context()), "session")
				return fmt.Sprint(first == second, first == copied), err
			}, Seen: Seen{"true true", nil, "1 read"}},
		},
	},
	{
		Name: "New reads a session anew",
		Steps: []Step{
			{Do: setFoo("bar"), Seen: Seen{"saved", issued, "1 write"}},
			{Do: func(r Request) (string, error) {
				sess, err := r.Get("session")
				if err != nil {
					return "", err
				}
				sess.Values["other"] = "value"
				anew, err := sess.Store().New(r.R, "session")
				delete(sess.Values, "other")
				return fmt.Sprint(anew.Values), err
			}, Seen: Seen{"map[foo:bar]", nil, "2 reads"}},
		},
	},
	{
		Name: "a session made by sessions.NewSession",
		Steps: []Step{
			{Do: func(r Request) (string, error) {
				prefs, err := r.Get("prefs")
				if err != nil {
					return "", err
				}
				sess := sessions.NewSession(prefs.Store(), "session")
				sess.Values["foo"] = "bar"
				return "saved", sess.Save(r.R, r.W)
			}, Seen: Seen{"saved", []string{"session=KEY"}, "1 write"}},
			{Do: getFoo, Seen: Seen{"bar", nil, "1 read"}},
		},
		Known: map[string]Known{
			FilesystemStore: {"is not stored, for its MaxAge is 0", []Seen{{Body: "saved", Cookies: []string{"session="}}, {Body: "500"}}},
		},
	},
	{
		Name: "an ID of \"\" takes a new key",
		Steps: []Step{
			{Do: setFoo("bar"), Seen: Seen{"saved", issued, "1 write"}},
			{Do: saving(func(sess *sessions.Session) any {
				old := sess.ID
				sess.ID = ""
				sess.Values["old"] = old
				return "saved"
			}), Seen: Seen{"saved", issued, "1 read, 1 write, 1 delete"}},
			{Do: reading(func(sess *sessions.Session) any {
				return fmt.Sprint(sess.Values["foo"], " ", sess.ID == sess.Values["old"])
			}), Seen: Seen{"bar false", nil, "1 read"}},
		},
		Known: map[string]Known{
			CookieStore: {"has no IDs", []Seen{{Body: "saved", Cookies: issued}, {Body: "saved", Cookies: issued}, {Body: "bar true"}}},
		},
	},
	{
		Name: "a cookie that cannot be a key",
		Steps: []Step{
			{Cookie: "session=../forged", Do: reading(func(sess *sessions.Session) any { return sess.IsNew }), Seen: Seen{Body: "true"}},
		},
		Known: map[string]Known{
			CookieStore:     {"is an error", []Seen{{Body: "500"}}},
			FilesystemStore: {"is an error", []Seen{{Body: "500"}}},
		},
	},
	{
		Name: "a cookie that is no key is not made one",
		Steps: []Step{
			{Cookie: "session=forged", Do: saving(func(sess *sessions.Session) any {
				sess.Values["foo"] = "bar"
				return sess.IsNew
			}), Seen: Seen{"true", issued, "1 read, 1 write"}},
			{Cookie: "session=forged", Do: getFoo, Seen: Seen{"<nil>", nil, "1 read"}},
			{Cookie: "session=KEY", Do: getFoo, Seen: Seen{"bar", nil, "1 read"}},
		},
		Known: map[string]Known{
			CookieStore:     {"is an error", []Seen{{Body: "500"}, {Body: "500"}, {Body: "500"}}},
			FilesystemStore: {"is an error", []Seen{{Body: "500"}, {Body: "500"}, {Body: "500"}}},
		},
	},
	{
		Name: "a name that no cookie can have",
		Steps: []Step{
			{Do: func(r Request) (string, error) {
				_, err := r.Get("session:key")
				return "", err
			}, Seen: Seen{Body: "500"}},
		},
	},
	{
		Name: "a value under a key that is no string",
		Steps: []Step{
			{Do: saving(func(sess *sessions.Session) any {
				sess.Values[42] = 43
				return "saved"
			}), Seen: Seen{Body: "500"}},
		},
		Known: map[string]Known{
			CookieStore:     {"is stored", []Seen{{Body: "saved", Cookies: issued}}},
			FilesystemStore: {"is stored", []Seen{{Body: "saved", Cookies: issued}}},
		},
	},
}
