package main

const (
	cacheFile   = "internal/cache/cache.go"
	callFile    = "internal/cache/call.go"
	loadFile    = "internal/cache/load.go"
	gatewayFile = "internal/session/gateway.go"
	planFile    = "internal/session/plan.go"
	refreshFile = "internal/session/refresh.go"
	replaceFile = "internal/session/replace.go"
	groupFile   = "internal/session/group.go"
	updateFile  = "internal/session/update.go"
)

const isLost = `lost, or from nowhere|has lost the update|counts \d+: \d+ updates were acknowledged`

var mutants = []mutant{
	{
		name: "lost change: a save does not care what it replaces",
		file: gatewayFile,
		old:  `Update(ctx, updates, firestore.LastUpdateTime(prev.Version))`,
		new:  `Update(ctx, updates)`, finds: isLost,
	},
	{
		name: "lost change: a save that meets another one stores its own values alone",
		file: "internal/session/commit.go",
		old:  `c.layout.Next(doc, c.change.ApplyTo(doc.Values), maxAge, c.cfg.Now()); c.invalid != nil {`,
		new:  `c.layout.Next(doc, c.change.ApplyTo(c.rec.values), maxAge, c.cfg.Now()); c.invalid != nil {`, finds: isLost,
	},
	{
		name: "own change: a copy counts that is older than the client's cookie",
		file: loadFile,
		old:  `ok && !k.doc.Updated.Before(least) && c.young(k.as, now)`,
		new:  `ok && c.young(k.as, now)`, finds: `older than what its client has stored`,
	},
	{
		name: "own change: the cookie names an earlier version",
		file: replaceFile,
		old:  `c.credentials.Versioned(c.rec.name, cred, doc.Version)`,
		new:  `c.credentials.Versioned(c.rec.name, cred, doc.Version.AddDate(-1, 0, 0))`, finds: `older than what its client has stored`,
	},
	{
		name: "own change: a common commit leaves the cookies as they are",
		file: groupFile,
		old:  "\tc.saved(cred, doc, values)\n",
		new:  "\tc.rec.saved(c.sess, cred, doc, values, c.rec.pendingCookie())\n", finds: `older than what its client has stored`,
	},
	{
		name: "own change: a read that is under way counts, whatever it finds",
		file: loadFile,
		old:  `call.spoilt || call.doc.Updated.Before(least) || call.doc.Updated.Before(call.least) ||`,
		new:  `call.spoilt || call.doc.Updated.Before(call.least) ||`, finds: `older than what its (client|process) has stored`,
	},
	{
		name:  "age: a copy is kept for twice as long",
		file:  cacheFile,
		old:   `age < c.maxAge`,
		new:   `age < 2*c.maxAge`,
		finds: `older than CacheFor`,
	},
	{
		name:  "ended: a copy outlives its document",
		file:  gatewayFile,
		old:   "\tdefer g.cache.Drop(deletes...)\n",
		new:   "",
		finds: `which its process has ended`,
	},
	{
		name:  "ended: a read that was under way keeps what it has found",
		file:  cacheFile,
		old:   "call.spoilt = true",
		new:   "_ = call",
		finds: `which its process has ended`,
	},
	{
		name: "exact: an Update that refuses believes its copy",
		file: updateFile,
		old:  `case u.rec.state != stored || u.rec.confirmed:`,
		new:  `case true:`, finds: `an Update that changes nothing has not seen`,
	},
	{
		name: "exact: an Update that changes nothing believes its copy",
		file: planFile,
		old:  `case !s.changed && s.update && s.old:`,
		new:  `case false:`, finds: `an Update that changes nothing has not seen`,
	},
	{
		name: "exact: Refresh looks into the cache",
		file: refreshFile,
		old:  `s.find(ctx, rec.name, credential.Sent{Key: rec.key})`,
		new:  `s.find(ctx, rec.name, credential.Sent{Key: rec.key, Version: rec.version})`, finds: `Refresh has not seen`,
	},
	{
		name: "turns: a common commit that fails is a success for all",
		file: groupFile,
		old:  "\t\tcase err != nil:\n\t\t\treturn outcome{done: true, err: err}\n",
		new:  "\t\tcase err != nil:\n\t\t\treturn outcome{done: true, doc: next.doc}\n", finds: isLost,
	},
	{
		name: "turns: a common commit leaves out its last member",
		file: groupFile,
		old:  "\tfor _, c := range changes {\n\t\tvalues =",
		new:  "\tfor _, c := range changes[:max(1, len(changes)-1)] {\n\t\tvalues =", finds: isLost,
	},
	{
		name: "turns: an emptied session takes along what others have set",
		file: groupFile,
		old:  "\tif changed && len(doc.Values) == 0 {",
		new:  "\tif changed && len(doc.Values) <= 1 {", finds: `is alive, and has not removed`,
	},
}
