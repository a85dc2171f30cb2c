package hosttest

import (
	"net/http"

	"github.com/echofirestore/echofirestore/firesession"
)

// panics are handlers that panic. What is saved before stays; nothing is saved because of a panic.
var panics = []row{
	{name: "a panic", needs: AutoSave | Panics, stored: `{"n":0}`, steps: []step{
		{use: setOne, respond: panicking("trouble"), want: "broken connection; 1 read"},
		{use: read("n"), want: "200 0; varies; 1 read"},
	}},
	{name: "a panic that is recovered", needs: AutoSave, lacks: Panics, stored: `{"n":0}`, steps: []step{
		{use: setOne, respond: panicking("trouble"), want: "500 error; varies; 1 read"},
		{use: read("n"), want: "200 0; varies; 1 read"},
	}},
	{name: "an abort", needs: AutoSave, stored: `{"n":0}`, steps: []step{
		{use: setOne, respond: panicking(http.ErrAbortHandler), want: "broken connection; 1 read"},
	}},
	{name: "a panic after the response has begun", needs: AutoSave | Flush | Panics, stored: `{"n":0}`, steps: []step{
		{use: setOne, respond: oneByOne(seen(begins), panicking("trouble")), want: `200 begun, and then a broken connection; issued; 1 read, 1 write; {"n":1}`},
	}},
	{name: "a panic after a change in a stream", needs: AutoSave | Flush | Panics, stored: `{"n":0}`, steps: []step{
		{use: read("n"), respond: seen(begins), late: inOrder(setOne, panicks), want: "200 begun, and then a broken connection; varies; 1 read"},
	}},
	{name: "a panic after a save", needs: AutoSave | Panics, stored: `{"n":0}`, steps: []step{
		{use: inOrder(setOne, save), respond: panicking("trouble"), want: `broken connection; 1 read, 1 write; {"n":1}`},
	}},
	{name: "a panic after the end of a session", needs: AutoSave | Panics, stored: `{"n":0}`, steps: []step{
		{use: inOrder(read("n"), destroy), respond: panicking("trouble"), want: "broken connection; 1 read, 1 delete; nothing stored"},
	}},
	{name: "an abort after the error response", needs: AutoSave, stored: `{"n":0}`, steps: []step{
		{fails: "save", use: setOne, respond: oneByOne(begins, panicking(http.ErrAbortHandler)), want: notSaved},
	}},
	{name: "a panic of Config.ErrorHandler", needs: AutoSave | Panics, stored: `{"n":0}`, config: panickingErrorHandler, steps: []step{
		{fails: "save", use: setOne, want: "broken connection; 1 read; ERROR session not saved"},
		{use: read("n"), want: "200 0; varies; 1 read"},
	}},
}

func panicking(p any) respond {
	return func(http.ResponseWriter, *http.Request) error { panic(p) }
}

func panicks(*call) (string, error) { panic("trouble") }

func oneByOne(responds ...respond) respond {
	return func(w http.ResponseWriter, r *http.Request) error {
		for _, each := range responds {
			if err := each(w, r); err != nil {
				return err
			}
		}
		return nil
	}
}

// seen makes sure that the client has seen a response begin.
func seen(begins respond) respond {
	return func(w http.ResponseWriter, r *http.Request) error {
		if err := begins(w, r); err != nil {
			return err
		}
		_ = http.NewResponseController(w).Flush()
		await(r)
		return nil
	}
}

func panickingErrorHandler(cfg *firesession.Config) {
	cfg.ErrorHandler = func(http.ResponseWriter, *http.Request, error) { panic("trouble") }
}
