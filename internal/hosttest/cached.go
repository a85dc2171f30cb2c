package hosttest

import (
	"time"

	"github.com/gorilla/sessions"

	"github.com/echofirestore/echofirestore/firesession"
)

// cachedCosts are what requests cost with a cache, if the process has the session: in each row, the first request begins it.
var cachedCosts = []row{
	cachedRow("not touched", step{use: nothing, want: "200 ok"}),
	cachedRow("read", step{use: readN, want: "200 1; varies"}),
	cachedRow("read, in every way that there is", step{use: everyWay, want: "200 the same; varies"}),
	cachedRow("read, invalid cookies before", step{cookie: "__session=; __session=a/b; __session=KEY", use: readN, want: "200 1; varies"}),
	cachedRow("read, after CacheFor", step{wait: 10 * time.Second, use: readN, want: "200 1; varies; 1 read"},
		step{wait: 9 * time.Second, use: readN, want: "200 1; varies"}),
	cachedRow("read, expired", step{wait: time.Hour, use: readN, want: "200 <nil>; varies; 1 read, 1 delete; nothing stored"}),
	cachedRow("saved unchanged", step{use: saveOne, want: "200 ok; varies"}),
	cachedRow("set to an equal value", step{use: setOne, want: "200 ok; varies"}),
	cachedRow("changed", step{use: set("n", 2), want: `200 ok; issued; 1 write; {"n":2}`}, step{use: readN, want: "200 2; varies"}),
	cachedRow("updated", step{use: update(func(sess *sessions.Session) error { sess.Values["n"] = 2; return nil }), want: `200 ok; issued; 1 write; {"n":2}`},
		step{use: readN, want: "200 2; varies"}),
	cachedRow("updated to an equal value", step{use: updateOne, want: "200 ok; varies; 1 read"}),
	cachedRow("emptied", step{use: empty, want: "200 ok; deleted; 1 delete; nothing stored"}),
	cachedRow("Options.MaxAge of -1", step{use: inOrder(end, saveOne), want: "200 ok; deleted; 1 delete; nothing stored"}),
	cachedRow("destroyed after reading", step{use: inOrder(readN, destroy), want: "200 ok; deleted; 1 delete; nothing stored"},
		step{cookie: "__session=KEY", use: readN, want: "200 <nil>; varies; 1 read"}),
	cachedRow("renewed", step{use: renew, want: "200 ok; issued; 1 write, 1 delete"}, step{use: readN, want: "200 1; varies"}),
	cachedRow("changed by another process", step{use: inOrder(readN, meanwhile(setOther)), want: `200 ok; varies; 1 read, 1 write; {"m":1,"n":1}`},
		step{use: look(func(sess *sessions.Session) any { return sess.Values["m"] }), want: "200 <nil>; varies"}),
	cachedRow("changed, and by another process", step{use: inOrder(set("n", 2), meanwhile(setOther)), want: `200 ok; issued; 2 reads, 2 writes; {"m":1,"n":2}`},
		step{use: readAll, want: "200 map[m:1 n:2]; varies"}),
	cachedRow("refreshed", step{use: refresh, want: "200 ok; varies; 1 read"}),
	cachedRow("refreshed after another process has changed it",
		step{use: inOrder(readN, meanwhile(setOther), refresh, readAll), want: `200 map[m:1 n:1]; varies; 2 reads, 1 write; {"m":1,"n":1}`}),
	{name: "unchanged, TouchAfter due", config: func(cfg *firesession.Config) { caching(cfg); cfg.TouchAfter = 5 * time.Second }, steps: []step{
		{use: setOne, want: `200 ok; issued; 1 write; {"n":1}`},
		{wait: 5 * time.Second, use: readN, want: "200 1; issued; 1 write"},
		{wait: 4 * time.Second, use: readN, want: "200 1; varies"},
	}},
	{name: "begun in another process", stored: `{"n":1}`, config: caching, steps: []step{
		{use: readN, want: "200 1; varies; 1 read"},
		{use: readN, want: "200 1; varies"},
		{use: set("n", 2), want: `200 ok; issued; 1 write; {"n":2}`},
		{use: readN, want: "200 2; varies"},
	}},
}

// cachedRow is a row of requests after the one that begins the session.
func cachedRow(name string, steps ...step) row {
	begin := step{use: setOne, want: `200 ok; issued; 1 write; {"n":1}`}
	return row{name: name, config: caching, steps: append([]step{begin}, steps...)}
}

func caching(cfg *firesession.Config) {
	signing(cfg)
	cfg.CacheFor = 10 * time.Second
}
