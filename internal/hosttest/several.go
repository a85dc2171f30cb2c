package hosttest

import (
	"cmp"
	"fmt"

	"github.com/gorilla/sessions"

	"github.com/echofirestore/echofirestore/firesession"
)

const prefsCookie = "prefs=KEY, Path=/, Max-Age=3600, HttpOnly, Secure, SameSite=Lax"

// several are several sessions in one request, of one store or of two.
var several = []row{
	{name: "two names", show: cookies, steps: []step{
		{use: inOrder(setOne, setTheme("dark")), want: `200 ok; ` + whole + `; ` + prefsCookie + `; 2 writes; prefs{"theme":"dark"} {"n":1}`},
		{use: inOrder(readN, theme), want: "200 dark; 2 reads"},
		{use: setTheme("light"), want: `200 ok; ` + prefsCookie + `; 1 read, 1 write; prefs{"theme":"light"} {"n":1}`},
		{use: inOrder(end, theme), want: `200 light; ` + expired + `; 2 reads, 1 delete; prefs{"theme":"light"}`},
	}},
	{name: "one of two cannot be saved", needs: AutoSave, stored: `{"n":0}`, steps: []step{
		{use: inOrder(setOne, setTheme(make(chan int))), want: `500 replaced; issued; 1 read, 1 write; {"n":1}; ERROR session not saved`},
	}},
	{name: "Save saves all", show: cookies, steps: []step{
		{use: inOrder(setOne, setTheme("dark"), save), want: `200 ok; ` + whole + `; ` + prefsCookie + `; 2 writes; prefs{"theme":"dark"} {"n":1}`},
	}},
	{name: "the key of one name does not open a session of another", show: cookies, steps: []step{
		{use: setTheme("dark"), want: `200 ok; ` + prefsCookie + `; 1 write; prefs{"theme":"dark"}`},
		{cookie: "__session=KEY", use: readAll, want: "200 map[]; 1 read"},
		{cookie: "__session=~prefs:KEY", use: readAll, want: "200 map[]"},
		{cookie: "prefs=~prefs:KEY", use: theme, want: "200 <nil>"},
		{cookie: "prefs=KEY", use: theme, want: "200 dark; 1 read"},
	}},
	{name: "a name that no cookie can have", show: cookies, steps: []step{
		{use: trying(named("no cookie name", func(*sessions.Session) any { return "ok" })), want: "200 an error"},
	}},
	{name: "two stores", outer: another, show: cookies, steps: []step{
		{use: inOrder(setOne, outerSet("m", 2)), want: `200 ok; ` + whole + `; ` + otherCookie + `; 2 writes; {"n":1}`},
		{use: inOrder(outerRead("m"), readN), want: "200 1; 2 reads"},
		{use: outerRead("m"), want: "200 2; 1 read"},
	}},
	{name: "two stores, the outer cannot save", needs: AutoSave, outer: another, stored: `{"n":0}`, steps: []step{
		{use: inOrder(setOne, outerSet("m", make(chan int))), want: `500 replaced; issued; 1 read, 1 write; {"n":1}; ERROR session not saved`},
	}},
	{name: "two stores, the inner cannot save", needs: AutoSave, outer: another, stored: `{"n":0}`, steps: []step{
		{use: inOrder(set("n", make(chan int)), outerSet("m", 1)), want: "500 replaced; varies; 1 read; ERROR session not saved"},
	}},
	{name: "two stores of the same cookie and collection are one", outer: func(*firesession.Config) {}, stored: `{"n":0}`, steps: []step{
		{use: inOrder(setOne, outerRead("n")), want: `200 1; issued; 1 read, 1 write; {"n":1}`},
	}},
}

const otherCookie = "other=KEY, Path=/, Max-Age=3600, HttpOnly, Secure, SameSite=Lax"

func setTheme(value any) use {
	return named("prefs", func(sess *sessions.Session) any {
		sess.Values["theme"] = value
		return "ok"
	})
}

var theme = named("prefs", func(sess *sessions.Session) any { return sess.Values["theme"] })

// another is a store with a cookie and a collection of its own.
func another(cfg *firesession.Config) {
	cfg.CookieName = "other"
	cfg.Collection += "other"
}

// outer is a use of the session of the outer store.
func outer(u func(*sessions.Session) any) use {
	return func(c *call) (string, error) {
		sess, err := c.Stores()[0].Get(c.r, cmp.Or(c.trial.stores()[0].CookieName, firesession.DefaultCookieName))
		if err != nil {
			return "", err
		}
		return fmt.Sprint(u(sess)), nil
	}
}

func outerSet(key string, value any) use {
	return outer(func(sess *sessions.Session) any {
		sess.Values[key] = value
		return "ok"
	})
}

func outerRead(key string) use {
	return outer(func(sess *sessions.Session) any { return sess.Values[key] })
}
