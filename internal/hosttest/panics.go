package hosttest

import (
	"net/http"
)

// panics are handlers that panic. What is saved before stays; nothing is saved because of a panic.
var panics = []row{
	{name: "a panic", needs: AutoSave | Panics, stored: `{"n":0}`, steps: []step{
		{use: setOne, respond: panicking("trouble"), want: "broken connection; 1 read"},
		{use: readN, want: "200 0; varies; 1 read"},
	}},
	{name: "a panic that is recovered", needs: AutoSave | Aborts, lacks: Panics, stored: `{"n":0}`, steps: []step{
		{use: setOne, respond: panicking("trouble"), want: "500 error; varies; 1 read"},
		{use: readN, want: "200 0; varies; 1 read"},
	}},
	{name: "an abort", needs: AutoSave | Aborts, stored: `{"n":0}`, steps: []step{
		{use: setOne, respond: panicking(http.ErrAbortHandler), want: "broken connection; 1 read"},
	}},
	{name: "a panic after the response has begun", needs: AutoSave | Flush | Panics, stored: `{"n":0}`, steps: []step{
		{use: setOne, respond: oneByOne(seen(begins), panicking("trouble")), want: `200 begun, and then a broken connection; issued; 1 read, 1 write; {"n":1}`},
	}},
	{name: "a panic after a change in a stream", needs: AutoSave | Flush | Panics, stored: `{"n":0}`, steps: []step{
		{use: readN, respond: seen(begins), late: inOrder(setOne, panicNow), want: "200 begun, and then a broken connection; varies; 1 read"},
	}},
	{name: "a panic after a save", needs: AutoSave | Panics, stored: `{"n":0}`, steps: []step{
		{use: inOrder(setOne, save), respond: panicking("trouble"), want: `broken connection; 1 read, 1 write; {"n":1}`},
	}},
	{name: "a panic after the end of a session", needs: AutoSave | Panics, stored: `{"n":0}`, steps: []step{
		{use: inOrder(readN, destroy), respond: panicking("trouble"), want: "broken connection; 1 read, 1 delete; nothing stored"},
	}},
	{name: "an abort after the error response", needs: AutoSave | Flush, stored: `{"n":0}`, steps: []step{
		{fails: "save", use: setOne, respond: oneByOne(writes("handler's"), panicking(http.ErrAbortHandler)), want: notSaved},
	}},
	{name: "an abort after an error response that is held back", needs: AutoSave | Hooks, lacks: Flush, stored: `{"n":0}`, steps: []step{
		{fails: "save", use: setOne, respond: oneByOne(writes("handler's"), panicking(http.ErrAbortHandler)), want: notSaved},
	}},
}

func panicking(p any) respond {
	return func(http.ResponseWriter, *http.Request) error { panic(p) }
}

func panicNow(*call) (string, error) { panic("trouble") }
