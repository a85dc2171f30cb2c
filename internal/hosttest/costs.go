package hosttest

import (
	"time"

	"github.com/gorilla/sessions"

	"github.com/echofirestore/echofirestore/firesession"
)

const nested = `{"n":1,"nested":{"list":[1,2]}}`

// costs are what requests cost in Firestore.
var costs = []row{
	{name: "not touched", stored: `{"n":1}`, steps: []step{{use: nothing, want: "200 ok"}}},
	{name: "not touched, no cookie", steps: []step{{use: nothing, want: "200 ok"}}},
	{name: "read, no cookie", steps: []step{{use: readN, want: "200 <nil>; varies"}}},
	{name: "read, cookie invalid", steps: []step{{cookie: "__session=a/b", use: readN, want: "200 <nil>; varies"}}},
	{name: "read, cookie reserved", steps: []step{{cookie: "__session=__x__", use: readN, want: "200 <nil>; varies"}}},
	{name: "read, document missing", steps: []step{{cookie: "__session=unknown", use: readN, want: "200 <nil>; varies; 1 read"}}},
	{name: "read, document expired", stored: `{"n":1}`, steps: []step{
		{wait: time.Hour, use: readN, want: "200 <nil>; varies; 1 read, 1 delete; nothing stored"},
	}},
	{name: "read", stored: `{"n":1}`, steps: []step{{use: readN, want: "200 1; varies; 1 read"}}},
	{name: "read, in every way that there is", stored: `{"n":1}`, steps: []step{{use: everyWay, want: "200 the same; varies; 1 read"}}},
	{name: "read, invalid cookies before", stored: `{"n":1}`, steps: []step{
		{cookie: "__session=; __session=a/b; __session=KEY", use: readN, want: "200 1; varies; 1 read"},
	}},
	{name: "read, a dead cookie before", stored: `{"n":1}`, steps: []step{
		{cookie: "__session=gone; __session=KEY", use: readN, want: "200 1; varies; 2 reads"},
	}},
	{name: "read, two dead cookies before", stored: `{"n":1}`, steps: []step{
		{cookie: "__session=gone; __session=gone2; __session=KEY", use: readN, want: "200 1; varies; 3 reads"},
	}},
	{name: "read, three dead cookies before", stored: `{"n":1}`, steps: []step{
		{cookie: "__session=gone; __session=gone2; __session=gone3; __session=KEY", use: readN, want: "200 <nil>; varies; 3 reads"},
	}},
	{name: "saved unchanged", stored: `{"n":1}`, steps: []step{{use: saveOne, want: "200 ok; varies; 1 read"}}},
	{name: "set to an equal value", stored: `{"n":1}`, steps: []step{{use: setOne, want: "200 ok; varies; 1 read"}}},
	{name: "set to an equal value of another type", stored: `{"n":1}`, steps: []step{
		{use: set("n", int64(1)), want: "200 ok; varies; 1 read"},
	}},
	{name: "nested value replaced by an equal one", stored: nested, steps: []step{
		{use: set("nested", map[string][]int{"list": {1, 2}}), want: "200 ok; varies; 1 read"},
	}},
	{name: "changed and changed back", stored: `{"n":1}`, steps: []step{
		{use: inOrder(set("n", 2), setOne), want: "200 ok; varies; 1 read"},
	}},
	{name: "unchanged, TouchAfter not due", config: touching, stored: `{"n":1}`, steps: []step{
		{wait: 9 * time.Minute, use: readN, want: "200 1; varies; 1 read"},
	}},
	{name: "unchanged, TouchAfter due", config: touching, stored: `{"n":1}`, steps: []step{
		{wait: 10 * time.Minute, use: readN, want: "200 1; issued; 1 read, 1 write"},
	}},
	{name: "new and not empty", steps: []step{{use: setOne, want: `200 ok; issued; 1 write; {"n":1}`}}},
	{name: "new and empty", steps: []step{{use: save, want: "200 ok"}}},
	{name: "new, filled and emptied", steps: []step{{use: inOrder(setOne, empty, save), want: "200 ok; varies"}}},
	{name: "new, saved twice", steps: []step{{use: inOrder(setOne, save, saveOne), want: `200 ok; issued; 1 write; {"n":1}`}}},
	{name: "changed", stored: `{"n":0}`, steps: []step{{use: setOne, want: `200 ok; issued; 1 read, 1 write; {"n":1}`}}},
	{name: "changed deep inside", stored: nested, steps: []step{
		{use: change(func(sess *sessions.Session) {
			sess.Values["nested"].(map[string]any)["list"].([]any)[0] = 7
		}), want: `200 ok; issued; 1 read, 1 write; {"n":1,"nested":{"list":[7,2]}}`},
	}},
	{name: "changed, a dead cookie before", stored: `{"n":0}`, steps: []step{
		{cookie: "__session=gone; __session=KEY", use: setOne, want: `200 ok; issued; 2 reads, 1 write; {"n":1}`},
	}},
	{name: "changed, TouchAfter due", config: touching, stored: `{"n":0}`, steps: []step{
		{wait: 10 * time.Minute, use: setOne, want: `200 ok; issued; 1 read, 1 write; {"n":1}`},
	}},
	{name: "changed and saved", stored: `{"n":0}`, steps: []step{
		{use: inOrder(setOne, saveOne), want: `200 ok; issued; 1 read, 1 write; {"n":1}`},
	}},
	{name: "changed, saved, and changed again", stored: `{"n":0}`, steps: []step{
		{use: inOrder(set("n", 7), save, setOne), want: `200 ok; issued; 1 read, 2 writes; {"n":1}`},
	}},
	{name: "updated", stored: `{"n":0}`, steps: []step{{use: updateOne, want: `200 ok; issued; 1 read, 1 write; {"n":1}`}}},
	{name: "max age changed", stored: `{"n":1}`, show: cookies, steps: []step{
		{use: setMaxAge(60), want: "200 ok; __session=KEY, Path=/, Max-Age=60, HttpOnly, Secure, SameSite=Lax; 1 read, 1 write"},
	}},
	{name: "emptied", stored: `{"n":1}`, steps: []step{{use: empty, want: "200 ok; deleted; 1 read, 1 delete; nothing stored"}}},
	{name: "emptied by Update", stored: `{"n":1}`, steps: []step{
		{use: update(func(sess *sessions.Session) error { clear(sess.Values); return nil }), want: "200 ok; issued; 1 read, 1 write; {}"},
	}},
	{name: "Options.MaxAge of -1", stored: `{"n":1}`, steps: []step{
		{use: inOrder(end, saveOne), want: "200 ok; deleted; 1 read, 1 delete; nothing stored"},
	}},
	{name: "destroyed", needs: Functions, stored: `{"n":1}`, steps: []step{
		{use: destroy, want: "200 ok; deleted; 1 delete; nothing stored"},
	}},
	{name: "destroyed twice", needs: Functions, stored: `{"n":1}`, steps: []step{
		{use: inOrder(destroy, destroy), want: "200 ok; deleted; 1 delete; nothing stored"},
	}},
	{name: "destroyed after reading", stored: `{"n":1}`, steps: []step{
		{use: inOrder(readN, destroy), want: "200 ok; deleted; 1 read, 1 delete; nothing stored"},
	}},
	{name: "destroyed, two cookies", needs: Functions, stored: `{"n":1}`, steps: []step{
		{cookie: "__session=gone; __session=KEY", use: destroy, want: "200 ok; deleted; 2 deletes; nothing stored"},
	}},
	{name: "destroyed, four cookies", needs: Functions, stored: `{"n":1}`, steps: []step{
		{cookie: "__session=KEY; __session=a; __session=b; __session=c", use: destroy, want: "200 ok; deleted; 3 deletes; nothing stored"},
	}},
	{name: "destroyed, no cookie", needs: Functions, steps: []step{{use: destroy, want: "200 ok; deleted"}}},
	{name: "destroyed, cookie invalid", needs: Functions, steps: []step{{cookie: "__session=..", use: destroy, want: "200 ok; deleted"}}},
	{name: "destroyed and begun anew", needs: Functions, stored: `{"n":0}`, steps: []step{
		{use: inOrder(destroy, setOne), want: `200 ok; issued; 1 write, 1 delete; {"n":1}`},
	}},
	{name: "renewed", stored: `{"n":1}`, steps: []step{{use: renew, want: "200 ok; issued; 1 read, 1 write, 1 delete"}}},
	{name: "renewed and changed", stored: `{"n":0}`, steps: []step{
		{use: inOrder(renew, setOne, save), want: `200 ok; issued; 1 read, 1 write, 1 delete; {"n":1}`},
	}},
	{name: "renewed, new and empty", steps: []step{{use: renew, want: "200 ok; varies"}}},
	{name: "changed by two requests at once", stored: `{"n":0}`, steps: []step{
		// The other request, which comes first, costs 1 read and 1 write. This one costs a read and a commit more than alone.
		{use: inOrder(setOne, meanwhile(setOther)), want: `200 ok; issued; 3 reads, 2 writes; {"m":1,"n":1}`},
	}},
}

func touching(cfg *firesession.Config) { cfg.TouchAfter = 10 * time.Minute }

func setOther(sess *sessions.Session) { sess.Values["m"] = 1 }

// everyWay asks for the session in every way that there is.
func everyWay(c *call) (string, error) {
	sess, err := c.Get()
	if err != nil {
		return "", err
	}
	all, err := c.All()
	if err != nil {
		return "", err
	}
	again, err := innermost(c.Stores()).Get(c.r.WithContext(c.r.Context()), c.trial.cookieName())
	if err != nil {
		return "", err
	}
	for _, each := range append(all, again) {
		switch {
		case each != sess:
			return "another session", nil
		case each.Store() != sessions.Store(innermost(c.Stores())):
			return "another store", nil
		}
	}
	return "the same", nil
}
