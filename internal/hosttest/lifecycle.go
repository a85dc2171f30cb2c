package hosttest

import (
	"fmt"
	"time"

	"github.com/gorilla/sessions"

	"github.com/echofirestore/echofirestore/firesession"
)

const browserSession = "__session=KEY, Path=/, HttpOnly, Secure, SameSite=Lax"

// lifecycle is what becomes of sessions from one request to the next.
var lifecycle = []row{
	{name: "a new session has no ID and no values", steps: []step{
		{use: look(func(sess *sessions.Session) any {
			return fmt.Sprintf("%s new=%t id=%q values=%d", sess.Name(), sess.IsNew, sess.ID, len(sess.Values))
		}), want: `200 __session new=true id="" values=0; varies`},
	}},
	{name: "a session is begun, read, changed, updated, renewed and destroyed", steps: []step{
		{use: setOne, want: `200 ok; issued; 1 write; {"n":1}`},
		{use: readN, want: "200 1; varies; 1 read"},
		{use: set("n", 2), want: `200 ok; issued; 1 read, 1 write; {"n":2}`},
		{use: updateOne, want: `200 ok; issued; 1 read, 1 write; {"n":1}`},
		{use: renew, want: "200 ok; issued; 1 read, 1 write, 1 delete"},
		{use: readN, want: "200 1; varies; 1 read"},
		{use: inOrder(readN, destroy), want: "200 ok; deleted; 1 read, 1 delete; nothing stored"},
		{use: readN, want: "200 <nil>; varies"},
	}},
	{name: "a value is changed and another one removed", stored: `{"a":1,"b":2}`, steps: []step{
		{use: change(func(sess *sessions.Session) {
			sess.Values["a"] = "red"
			delete(sess.Values, "b")
		}), want: `200 ok; issued; 1 read, 1 write; {"a":"red"}`},
		{use: readAll, want: "200 map[a:red]; varies; 1 read"},
	}},
	{name: "flashes are there once", steps: []step{
		{use: change(func(sess *sessions.Session) {
			sess.Values["user"] = "alice"
			sess.AddFlash("one")
			sess.AddFlash("two", "other")
		}), want: `200 ok; issued; 1 write; {"_flash":["one"],"other":["two"],"user":"alice"}`},
		{use: flashes(), want: `200 [one] []; issued; 1 read, 1 write; {"other":["two"],"user":"alice"}`},
		{use: flashes("other"), want: `200 [two] []; issued; 1 read, 1 write; {"user":"alice"}`},
	}},
	{name: "a session of nothing but flashes ends with them", steps: []step{
		{use: change(func(sess *sessions.Session) { sess.AddFlash("bye") }), want: `200 ok; issued; 1 write; {"_flash":["bye"]}`},
		{use: flashes(), want: "200 [bye] []; deleted; 1 read, 1 delete; nothing stored"},
		{use: flashes(), want: "200 [] []; varies"},
	}},
	{name: "a session ends by Options.MaxAge of -1, also for who kept the cookie", stored: `{"n":1}`, steps: []step{
		{use: end, want: "200 ok; deleted; 1 read, 1 delete; nothing stored"},
		{cookie: "__session=KEY", use: readN, want: "200 <nil>; varies; 1 read"},
	}},
	{name: "a new session ends by Options.MaxAge of -1", steps: []step{
		{use: inOrder(setOne, end), want: "200 ok; deleted"},
	}},
	{name: "a change is not saved without being told", lacks: AutoSave, stored: `{"n":0}`, steps: []step{
		{told: true, use: setOne, want: "200 ok; 1 read"},
	}},
	{name: "a request has one session, also in copies of it and in requests that replace it", stored: `{"n":1}`, steps: []step{
		{use: everyWay, want: "200 the same; varies; 1 read"},
	}},
	{name: "New reads a session again, without changes of this request", stored: `{"n":1}`, steps: []step{
		{use: inOrder(set("n", 2), first(readAnew, setOne)), want: "200 map[n:1]; varies; 2 reads"},
	}},
	{name: "a session that was made by sessions.NewSession", show: cookies, steps: []step{
		{use: madeByHand, want: `200 ok; prefs=KEY; 1 write; prefs{"theme":"dark"}`},
		{use: theme, want: "200 dark; 1 read"},
	}},
	{name: "values that are set after the end begin another session", needs: AutoSave, stored: `{"n":1}`, steps: []step{
		{use: inOrder(keepID, destroy, set("m", 2), save, isAnotherID), want: `200 true; issued; 1 read, 1 write, 1 delete; {"m":2}`},
		{use: readAll, want: "200 map[m:2]; varies; 1 read"},
	}},
	{name: "renewed, the old key is invalid and the values are kept", stored: `{"n":1}`, steps: []step{
		{use: inOrder(keepID, renew, save, isAnotherID), want: "200 true; issued; 1 read, 1 write, 1 delete"},
		{use: readN, want: "200 1; varies; 1 read"},
		{cookie: "__session=OLD", use: readN, want: "200 <nil>; varies; 1 read"},
	}},
	{name: "an ID of \"\" renews", stored: `{"n":1}`, steps: []step{
		{use: inOrder(keepID, change(func(sess *sessions.Session) { sess.ID = "" }), saveOne, isAnotherID), want: "200 true; issued; 1 read, 1 write, 1 delete"},
		{cookie: "__session=OLD", use: readN, want: "200 <nil>; varies; 1 read"},
	}},
	{name: "a made-up key is never used for a session", steps: []step{
		{cookie: "__session=made-up", use: setOne, want: `200 ok; issued; 1 read, 1 write; {"n":1}`},
		{cookie: "__session=made-up", use: readN, want: "200 <nil>; varies; 1 read"},
		{cookie: "__session=KEY", use: readN, want: "200 1; varies; 1 read"},
	}},
	{name: "a session ends a max age after its last change", stored: `{"n":0}`, steps: []step{
		{wait: 59 * time.Minute, use: setOne, want: `200 ok; issued; 1 read, 1 write; {"n":1}`},
		{wait: 59 * time.Minute, use: readN, want: "200 1; varies; 1 read"},
		{wait: time.Minute, use: readN, want: "200 <nil>; varies; 1 read, 1 delete; nothing stored"},
	}},
	{name: "TouchAfter extends a session that is read", config: touching, stored: `{"n":1}`, steps: []step{
		{wait: 59 * time.Minute, use: readN, want: "200 1; issued; 1 read, 1 write"},
		{wait: 59 * time.Minute, use: readN, want: "200 1; issued; 1 read, 1 write"},
		{wait: time.Hour, use: readN, want: "200 <nil>; varies; 1 read, 1 delete; nothing stored"},
	}},
	{
		name: "Lifetime ends a session however active it is", stored: `{"n":0}`, show: cookies,
		config: func(cfg *firesession.Config) { cfg.Lifetime = 90 * time.Minute },
		steps: []step{
			{wait: 50 * time.Minute, use: setOne, want: `200 ok; __session=KEY, Path=/, Max-Age=2400, HttpOnly, Secure, SameSite=Lax; 1 read, 1 write; {"n":1}`},
			{wait: 30 * time.Minute, use: renew, want: "200 ok; __session=KEY, Path=/, Max-Age=600, HttpOnly, Secure, SameSite=Lax; 1 read, 1 write, 1 delete"},
			{wait: 10 * time.Minute, use: readN, want: "200 <nil>; 1 read, 1 delete; nothing stored"},
		},
	},
	{
		name: "without a MaxAge, the cookie lives until the browser closes", show: cookies,
		config: func(cfg *firesession.Config) { cfg.MaxAge = 0 },
		steps: []step{
			{use: setOne, want: `200 ok; ` + browserSession + `; 1 write; {"n":1}`},
			{wait: 1000 * time.Hour, use: readN, want: "200 1; 1 read"},
		},
	},
	{name: "Options.MaxAge stays that of the session", show: cookies, steps: []step{
		{use: inOrder(setMaxAge(60), setOne), want: `200 ok; __session=KEY, Path=/, Max-Age=60, HttpOnly, Secure, SameSite=Lax; 1 write; {"n":1}`},
		{wait: 30 * time.Second, use: set("n", 2), want: `200 ok; __session=KEY, Path=/, Max-Age=60, HttpOnly, Secure, SameSite=Lax; 1 read, 1 write; {"n":2}`},
		{wait: time.Minute, use: readN, want: "200 <nil>; 1 read, 1 delete; nothing stored"},
	}},
	{name: "Options.MaxAge of 0 is until the browser closes", show: cookies, steps: []step{
		{use: inOrder(setMaxAge(0), setOne), want: `200 ok; ` + browserSession + `; 1 write; {"n":1}`},
		{wait: 1000 * time.Hour, use: readN, want: "200 1; 1 read"},
	}},
	{name: "changes of several requests at once are merged", stored: `{"a":1,"b":1}`, steps: []step{
		{use: inOrder(set("a", 2), meanwhile(func(sess *sessions.Session) { sess.Values["b"] = 3 })), want: `200 ok; issued; 3 reads, 2 writes; {"a":2,"b":3}`},
	}},
	{name: "what another request stored meanwhile survives emptying", stored: `{"n":1}`, steps: []step{
		{use: inOrder(empty, meanwhile(setOther)), want: `200 ok; varies; 3 reads, 2 writes; {"m":1}`},
	}},
	{name: "Update runs again on what another request has stored", stored: `{"n":1}`, steps: []step{
		{use: func(c *call) (string, error) {
			runs := 0
			err := c.Update(func(sess *sessions.Session) error {
				if runs++; runs == 1 {
					c.trial.elsewhere(func(sess *sessions.Session) { sess.Values["n"] = 10 })
				}
				n, _ := sess.Values["n"].(int)
				sess.Values["n"] = n + 1
				return nil
			})
			return fmt.Sprint(runs, " runs"), err
		}, want: `200 2 runs; issued; 3 reads, 2 writes; {"n":11}`},
	}},
	{name: "an Update that fails changes nothing", stored: `{"n":1}`, steps: []step{
		{use: inOrder(trying(update(func(sess *sessions.Session) error {
			sess.Values["n"] = 2
			return StatusError(418)
		})), readN), want: "200 1; varies; 1 read"},
	}},
	{name: "revoked elsewhere, the session is gone", config: withUsers, stored: `{"user":"alice"}`, steps: []step{
		{before: revokeAlice, use: readAll, want: "200 map[]; varies; 1 read; nothing stored"},
	}},
	{name: "RevokeUser spares the session that it is told to", config: withUsers, stored: `{"user":"alice"}`, steps: []step{
		{use: func(c *call) (string, error) {
			sess, err := c.Get()
			if err != nil {
				return "", err
			}
			n, err := c.trial.store.RevokeUser(c.r.Context(), "alice", innermost(c.Stores()).SessionID(sess))
			return fmt.Sprint(n, " ended"), err
		}, want: "200 0 ended; varies; 2 reads"},
	}},
	{name: "Ended tells a dead session from a visitor without one", stored: `{"n":1}`, steps: []step{
		{use: ended, want: "200 false; varies; 1 read"},
		{cookie: "__session=gone", use: ended, want: "200 true; varies; 1 read"},
		{cookie: "other=1", use: ended, want: "200 false; varies"},
	}},
}

// readAnew shows what New returns.
func readAnew(c *call) (string, error) {
	sess, err := innermost(c.Stores()).New(c.r, c.trial.cookieName())
	if err != nil {
		return "", err
	}
	return fmt.Sprint(sess.Values), nil
}

// madeByHand stores a session of a name that is new.
func madeByHand(c *call) (string, error) {
	sess := sessions.NewSession(innermost(c.Stores()), "prefs")
	sess.Values["theme"] = "dark"
	return "ok", sess.Save(c.r, c.w)
}

func flashes(keys ...string) use {
	return look(func(sess *sessions.Session) any { return fmt.Sprint(sess.Flashes(keys...), " ", sess.Flashes(keys...)) })
}

func keepID(c *call) (string, error) {
	sess, err := c.Get()
	if err != nil {
		return "", err
	}
	c.trial.old = sess.ID
	return sess.ID, nil
}

func isAnotherID(c *call) (string, error) {
	sess, err := c.Get()
	if err != nil {
		return "", err
	}
	return fmt.Sprint(sess.ID != "" && sess.ID != c.trial.old), nil
}

func ended(c *call) (string, error) {
	sess, err := c.Get()
	return fmt.Sprint(innermost(c.Stores()).Ended(sess)), err
}

func withUsers(cfg *firesession.Config) { cfg.UserKey = "user" }

func revokeAlice(tr *trial) {
	if n, err := tr.store.RevokeUser(tr.Context(), "alice"); n != 1 || err != nil {
		tr.Errorf("%d ended, error %v", n, err)
	}
}
