package hosttest

import (
	"net/http"
)

// streams are responses that are sent piece by piece, and sessions that are changed after the response has begun.
var streams = []row{
	{name: "a flush reaches the client before the handler goes on", needs: AutoSave | Flush, stored: `{"n":0}`, steps: []step{
		{use: setOne, respond: stream, want: `200 first, second; issued; 1 read, 1 write; {"n":1}`},
	}},
	{name: "a flush without a body reaches the client", needs: AutoSave | Flush, stored: `{"n":0}`, steps: []step{
		{use: setOne, respond: oneByOne(seen(silent), writes("handler's")), want: `200 handler's; issued; 1 read, 1 write; {"n":1}`},
	}},
	{name: "a stream does not begin if its session cannot be saved", needs: AutoSave | Flush, stored: `{"n":0}`, steps: []step{
		{fails: "save", use: setOne, respond: oneByOne(flush, writes("handler's"), flush), want: notSaved},
	}},
	{name: "a stream that does not touch its session", needs: Flush, stored: `{"n":0}`, steps: []step{
		{use: nothing, respond: stream, want: "200 first, second"},
	}},
	{name: "changed after the response has begun, with a key", needs: AutoSave | Flush, stored: `{"n":0}`, steps: []step{
		{use: readN, respond: begins, late: setOne, want: `200 begun, then ok; varies; 1 read, 1 write; {"n":1}`},
	}},
	{name: "changed before and after the response has begun", needs: AutoSave | Flush, stored: `{"n":0}`, steps: []step{
		{use: set("m", 1), respond: begins, late: setOne, want: `200 begun, then ok; issued; 1 read, 2 writes; {"m":1,"n":1}`},
	}},
	{name: "begun by the same response, and changed afterwards", needs: AutoSave | Flush, steps: []step{
		{use: set("m", 1), respond: begins, late: setOne, want: `200 begun, then ok; issued; 2 writes; {"m":1,"n":1}`},
	}},
	{name: "read and changed after the response has begun", needs: AutoSave | Flush, stored: `{"n":0}`, steps: []step{
		{use: nothing, respond: begins, late: setOne, want: `200 begun, then ok; 1 read, 1 write; {"n":1}`},
	}},
	{name: "saved after the response has begun", needs: Flush, stored: `{"n":0}`, steps: []step{
		{use: readN, respond: begins, late: inOrder(setOne, saveOne), want: `200 begun, then ok; varies; 1 read, 1 write; {"n":1}`},
	}},
	{name: "updated after the response has begun", needs: AutoSave | Flush, stored: `{"n":0}`, steps: []step{
		{use: readN, respond: begins, late: updateOne, want: `200 begun, then ok; varies; 1 read, 1 write; {"n":1}`},
	}},
	{name: "changed after a response with status 500 has begun", needs: AutoSave | Flush, stored: `{"n":0}`, steps: []step{
		{use: readN, respond: oneByOne(status(http.StatusInternalServerError), flush), late: setOne, want: "500 , then ok; varies; 1 read"},
	}},
	{name: "a new session after the response has begun", needs: AutoSave | Flush, steps: []step{
		{use: nothing, respond: begins, late: setOne, want: "200 begun, then ok; ERROR session not saved"},
	}},
	{name: "a new session is saved after the response has begun", needs: AutoSave | Flush, steps: []step{
		{use: nothing, respond: begins, late: inOrder(setOne, trying(save)), want: "200 begun, then ErrCommitted; ERROR session not saved"},
	}},
	{name: "renewed after the response has begun", needs: AutoSave | Flush, stored: `{"n":0}`, steps: []step{
		{use: readN, respond: begins, late: trying(renew), want: "200 begun, then ErrCommitted; varies; 1 read"},
		{use: readN, want: "200 0; varies; 1 read"},
	}},
	{name: "destroyed after the response has begun", needs: AutoSave | Flush, stored: `{"n":0}`, steps: []step{
		{use: readN, respond: begins, late: destroy, want: "200 begun, then ok; varies; 1 read, 1 delete; nothing stored"},
		{use: readN, want: "200 <nil>; varies; 1 read"},
	}},
	{name: "a late change that cannot be saved is logged", needs: AutoSave | Flush, stored: `{"n":0}`, steps: []step{
		{fails: "save", use: readN, respond: begins, late: setOne, want: "200 begun, then ok; varies; 1 read; ERROR session not saved"},
	}},
}

// begins begins a response.
var begins = oneByOne(writes("begun"), flush)

var flush = responder(func(w http.ResponseWriter, _ *http.Request) { _ = http.NewResponseController(w).Flush() })

// seen makes sure that the client has seen a response begin.
func seen(begins respond) respond {
	return oneByOne(begins, flush, responder(func(_ http.ResponseWriter, r *http.Request) { await(r) }))
}

var stream = oneByOne(seen(writes("first")), writes(", second"))
