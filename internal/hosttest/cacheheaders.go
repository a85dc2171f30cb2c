package hosttest

const logged = "WARN cache headers of a response that sets a session cookie replaced by private, no-store"

// cacheHeaders are what responses say to caches.
var cacheHeaders = []row{
	cached("not touched", nothing, "public, max-age=600", "200 ok; Cache-Control: public, max-age=600"),
	cached("read", readN, "", "200 0; Vary: Cookie; 1 read"),
	cached("read, cacheable", readN, "max-age=60", "200 0; Cache-Control: max-age=60; Vary: Cookie; 1 read"),
	cached("changed", setOne, "", stores("private, no-store")),
	cached("changed, no-store", setOne, "no-store", stores("no-store")),
	cached("changed, private", setOne, "max-age=60, Private", stores("max-age=60, Private")),
	cached("changed, private but for a field", setOne, `max-age=60, private="X-Foo"`, stores("private, no-store")),
	cached("changed, max-age", setOne, "max-age=60", stores("private, no-store")),
	cached("changed, no-cache", setOne, "no-cache", stores("private, no-store")),
	cached("changed, public", setOne, "PUBLIC, max-age=60", stores("private, no-store")+"; "+logged),
	cached("changed, s-maxage", setOne, "s-maxage=60", stores("private, no-store")+"; "+logged),
	cached("ended", end, "public", "200 ok; "+expired+"; Cache-Control: private, no-store; Vary: Cookie; 1 read, 1 delete; nothing stored; "+logged),
	{name: "a field for one kind of caches goes", show: cookies | headers, stored: `{"n":0}`, steps: []step{
		{use: inOrder(setHeader("CDN-Cache-Control", "max-age=60"), setOne), want: stores("private, no-store") + "; " + logged},
		{use: inOrder(setHeader("Surrogate-Control", "max-age=60"), set("n", 2)), want: `200 ok; ` + whole + `; Cache-Control: private, no-store; Vary: Cookie; 1 read, 1 write; {"n":2}; ` + logged},
	}},
	{name: "a field for one kind of caches that forbids storing stays", show: cookies | headers, stored: `{"n":0}`, steps: []step{
		{use: inOrder(setHeader("CDN-Cache-Control", "no-store"), setOne), want: `200 ok; ` + whole + `; Cache-Control: private, no-store; Cdn-Cache-Control: no-store; Vary: Cookie; 1 read, 1 write; {"n":1}`},
	}},
	varying("Vary on others", "Accept", "Vary: Accept; Vary: Cookie"),
	varying("Vary already", "Accept, cookie", "Vary: Accept, cookie"),
	varying("Vary on all", "*", "Vary: *"),
}

// stores is the outcome of a change with this Cache-Control.
func stores(control string) string {
	return "200 ok; " + whole + "; Cache-Control: " + control + `; Vary: Cookie; 1 read, 1 write; {"n":1}`
}

// cached is a row about a response with this Cache-Control of the handler's.
func cached(name string, u use, control, want string) row {
	if control != "" {
		u = inOrder(setHeader("Cache-Control", control), u)
	}
	return row{name: name, show: cookies | headers, stored: `{"n":0}`, steps: []step{{use: u, want: want}}}
}

// varying is a row about a response with this Vary of the handler's, whose session is read.
func varying(name, vary, want string) row {
	return row{name: name, show: headers, stored: `{"n":0}`, steps: []step{
		{use: inOrder(setHeader("Vary", vary), readN), want: "200 0; " + want + "; 1 read"},
	}}
}
