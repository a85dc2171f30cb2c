package hosttest

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/gorilla/sessions"
	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/echofirestore/echofirestore/firestoretest"
)

const (
	notLoaded = "503 replaced; varies; ERROR session not loaded"
	notSaved  = "503 replaced; varies; 1 read; ERROR session not saved"
)

// failures are what happens when a session cannot be loaded or saved.
var failures = []row{
	{name: "a failed load is returned", needs: AutoSave | Errors, stored: `{"n":1}`, steps: []step{
		{fails: "load", use: readN, want: notLoaded},
		{use: readN, want: "200 1; varies; 1 read"},
	}},
	{name: "a failed load is returned with more text", needs: AutoSave | Errors, stored: `{"n":1}`, steps: []step{
		{fails: "load", use: func(c *call) (string, error) {
			_, err := c.Get()
			return "", fmt.Errorf("show the cart: %w", err)
		}, want: notLoaded},
	}},
	{name: "a failed load is returned with another error", needs: AutoSave | Errors, stored: `{"n":1}`, steps: []step{
		{fails: "load", use: func(c *call) (string, error) {
			_, err := c.Get()
			return "", errors.Join(errors.New("no cart"), err)
		}, want: notLoaded},
	}},
	{name: "a failed load is answered by the handler", needs: AutoSave, stored: `{"n":1}`, steps: []step{
		{fails: "load", use: trying(readN), want: "200 an error; varies; ERROR session not loaded"},
	}},
	{name: "a failed load is an error of a save", needs: AutoSave, stored: `{"n":1}`, steps: []step{
		{fails: "load", use: inOrder(trying(readN), setSilently), want: notLoaded},
	}},
	{name: "a failed load that the handler is not told about replaces the response", needs: AutoSave | Functions, stored: `{"n":1}`, steps: []step{
		{fails: "load", use: silently, want: notLoaded},
		{fails: "load", use: silently, respond: status(http.StatusNoContent), want: notLoaded},
		{fails: "load", use: silently, respond: silent, want: notLoaded},
		{fails: "load", use: silently, respond: status(http.StatusInternalServerError), want: "500; varies; ERROR session not loaded"},
	}},
	{name: "a failed load of gorilla's API is an error of the handler's", lacks: AutoSave, stored: `{"n":1}`, steps: []step{
		{fails: "load", use: readN, want: "500 error; ERROR session not loaded"},
	}},
	{name: "an expired document that cannot be deleted is a failed load", needs: AutoSave | Errors, stored: `{"n":1}`, steps: []step{
		{wait: maxAge * time.Second, fails: "save", use: readN, want: "503 replaced; varies; 1 read; ERROR session not loaded"},
	}},
	{name: "a failed Save is returned", needs: AutoSave | Errors, stored: `{"n":0}`, steps: []step{
		{fails: "save", use: inOrder(unwanted, setOne, save), want: notStored},
	}},
	{name: "a failed Save of gorilla's API is returned", needs: AutoSave | Errors, stored: `{"n":0}`, steps: []step{
		{fails: "save", use: inOrder(unwanted, setOne, saveOne), want: notStored},
	}},
	{name: "a failed Update is returned", needs: AutoSave | Errors, stored: `{"n":0}`, steps: []step{
		{fails: "save", use: inOrder(unwanted, updateOne), want: notStored},
	}},
	{name: "a failed Destroy is returned", needs: AutoSave | Errors, stored: `{"n":0}`, steps: []step{
		{fails: "save", use: inOrder(unwanted, destroy), want: "503 replaced; varies"},
	}},
	{name: "a failed Destroy is tried again before the response", needs: AutoSave, stored: `{"n":0}`, steps: []step{
		{before: failOnce, use: trying(destroy), want: "200 an error; deleted; 1 delete; nothing stored"},
	}},
	{name: "a failed Destroy stays a failure", needs: AutoSave, stored: `{"n":0}`, steps: []step{
		{fails: "save", use: trying(destroy), want: "503 replaced; varies; ERROR session not saved"},
	}},
	{name: "a failed save replaces all headers of the handler's", needs: AutoSave, stored: `{"n":0}`, steps: []step{
		{fails: "save", use: inOrder(unwanted, setOne), want: notSaved},
		{fails: "save", use: inOrder(unwanted, setOne), respond: status(http.StatusNoContent), want: notSaved},
		{fails: "save", use: inOrder(unwanted, setOne), respond: silent, want: notSaved},
	}},
	{name: "a failed save replaces what hooks have set", needs: AutoSave | Hooks, stored: `{"n":0}`, steps: []step{
		{fails: "save", use: inOrder(readN, inHook(inOrder(setOne, setHeader("X-Hook", "yes")))), want: notSaved},
	}},
	{name: "a failed save replaces an error that the handler returns", needs: AutoSave | Errors, stored: `{"n":0}`, steps: []step{
		{fails: "save", use: setOne, respond: failing(http.StatusConflict), want: notSaved},
	}},
	{name: "a failed save of gorilla's API is an error of the handler's", lacks: AutoSave, stored: `{"n":0}`, steps: []step{
		{fails: "save", use: setOne, want: "500 error; varies; 1 read"},
	}},
	{
		name: "Config.ErrorHandler answers", needs: AutoSave, stored: `{"n":0}`, errorHandler: apologize,
		steps: []step{
			{fails: "save", use: inOrder(unwanted, setOne), want: "502 sorry: PermissionDenied; handler's headers gone; varies; X-Sorry: yes; 1 read; ERROR session not saved"},
			{fails: "save", use: setOne, respond: silent, want: "502 sorry: PermissionDenied; handler's headers gone; varies; X-Sorry: yes; 1 read; ERROR session not saved"},
		},
	},
	{
		name: "Config.ErrorHandler answers a failed load that is returned", needs: AutoSave | Errors, stored: `{"n":0}`, errorHandler: apologize,
		steps: []step{
			{fails: "load", use: readN, want: "502 sorry: PermissionDenied; handler's headers gone; varies; X-Sorry: yes; ERROR session not loaded"},
		},
	},
	{
		name: "Config.ErrorHandler answers a failed load", needs: AutoSave | Functions, stored: `{"n":0}`, errorHandler: apologize,
		steps: []step{
			{fails: "load", use: silently, want: "502 sorry: PermissionDenied; handler's headers gone; varies; X-Sorry: yes; ERROR session not loaded"},
		},
	},
	{
		name: "Config.ErrorHandler does nothing, and the default answers", needs: AutoSave, stored: `{"n":0}`,
		errorHandler: func(http.ResponseWriter, *http.Request, Sessions, error) {},
		steps: []step{
			{fails: "save", use: setOne, want: notSaved},
			{fails: "save", use: setOne, respond: silent, want: notSaved},
			{fails: "load", use: silently, want: notLoaded},
			{use: set("n", make(chan int)), want: "500 replaced; varies; 1 read; ERROR session not saved"},
			{use: set("n", make(chan int)), respond: silent, want: "500 replaced; varies; 1 read; ERROR session not saved"},
		},
	},
	{
		name: "Config.ErrorHandler does nothing about a failed load that is returned", needs: AutoSave | Errors, stored: `{"n":0}`,
		errorHandler: func(http.ResponseWriter, *http.Request, Sessions, error) {},
		steps:        []step{{fails: "load", use: readN, want: notLoaded}},
	},
	{
		name: "Config.ErrorHandler aborts", needs: AutoSave | Aborts, stored: `{"n":0}`, show: uncounted | unlogged,
		errorHandler: func(http.ResponseWriter, *http.Request, Sessions, error) { panic(http.ErrAbortHandler) },
		steps: []step{
			{fails: "save", use: setOne, want: "broken connection"},
			{fails: "save", use: setOne, respond: silent, want: "broken connection"},
		},
	},
	{
		name: "Config.ErrorHandler ends a session that cannot be saved", needs: AutoSave, stored: `{"n":0}`, errorHandler: signOut,
		steps: []step{
			{use: set("n", make(chan int)), want: "303; handler's headers gone; deleted; Location: /login; 1 read, 1 delete; nothing stored; ERROR session not saved"},
		},
	},
	{
		name: "Config.ErrorHandler ends a session that cannot be saved, without a response", needs: AutoSave, stored: `{"n":0}`, errorHandler: signOut,
		steps: []step{
			{use: set("n", make(chan int)), respond: silent, want: "303; handler's headers gone; deleted; Location: /login; 1 read, 1 delete; nothing stored; ERROR session not saved"},
		},
	},
	{
		name: "Config.ErrorHandler begins another session", needs: AutoSave, stored: `{"n":0}`, show: uncounted, errorHandler: beginAnew,
		steps: []step{
			{use: set("n", make(chan int)), want: `303; handler's headers gone; issued; Location: /login; {"m":1}; ERROR session not saved`},
			{use: set("n", make(chan int)), respond: silent, want: `303; handler's headers gone; issued; Location: /login; ERROR session not saved`},
		},
	},
	{
		name: "Config.ErrorHandler acts on a session whose error is returned", needs: AutoSave | Errors, stored: `{"n":0}`, errorHandler: signOut,
		steps: []step{
			{use: inOrder(set("n", make(chan int)), save), want: "303; handler's headers gone; deleted; Location: /login; 1 read, 1 delete; nothing stored"},
		},
	},
	{
		name: "Config.ErrorHandler acts on a session that cannot be saved, whatever is returned", needs: AutoSave | Errors, stored: `{"n":0}`, errorHandler: signOut,
		steps: []step{
			{use: set("n", make(chan int)), respond: failing(http.StatusBadRequest), want: "303; handler's headers gone; deleted; Location: /login; 1 read, 1 delete; nothing stored; ERROR session not saved"},
		},
	},
	{
		name: "the application's error handler ends a session that cannot be saved", needs: AutoSave | Errors, stored: `{"n":0}`, answer: signOutFor,
		steps: []step{
			{use: set("n", make(chan int)), want: "303; handler's headers gone; deleted; Location: /login; 1 read, 1 delete; nothing stored; ERROR session not saved"},
		},
	},
	{
		name: "the application's error handler begins another session", needs: AutoSave | Errors, stored: `{"n":0}`, show: uncounted, answer: beginAnewFor,
		steps: []step{
			{use: set("n", make(chan int)), want: `303; handler's headers gone; issued; Location: /login; {"m":1}; ERROR session not saved`},
			{use: set("n", make(chan int)), respond: silent, want: `303; handler's headers gone; issued; Location: /login; ERROR session not saved`},
			{use: inOrder(set("n", make(chan int)), save), want: `303; handler's headers gone; issued; Location: /login`},
			{use: set("n", make(chan int)), respond: failing(http.StatusBadRequest), want: `303; issued; Location: /login`},
		},
	},
	{
		name: "the application's error handler changes the session", needs: AutoSave | Errors, stored: `{"n":0}`, answer: changeFor,
		steps: []step{
			{use: readN, respond: failing(http.StatusTeapot), want: `418 application's; issued; 1 read, 1 write; {"n":1}`},
		},
	},
	{
		name: "the application's error handler is first to ask for the session", needs: AutoSave | Errors, stored: `{"n":0}`, answer: changeFor,
		steps: []step{
			{use: nothing, respond: failing(http.StatusTeapot), want: `418 application's; issued; 1 read, 1 write; {"n":1}`},
			{fails: "save", use: set("m", 1), respond: failing(http.StatusTeapot), want: notSaved},
		},
	},
	{name: "a failed save replaces what is written beneath the framework", needs: AutoSave, stored: `{"n":0}`, steps: []step{
		{fails: "save", use: setOne, respond: responder(func(w http.ResponseWriter, _ *http.Request) { say(within(w), "handler's") }), want: notSaved},
	}},
	{name: "a value that cannot be stored", needs: AutoSave, stored: `{"n":0}`, steps: []step{
		{use: set("n", make(chan int)), want: "500 replaced; varies; 1 read; ERROR session not saved"},
		{use: change(func(sess *sessions.Session) { sess.Values[42] = 43 }), want: "500 replaced; varies; 1 read; ERROR session not saved"},
	}},
	{name: "a value that cannot be stored is an error of gorilla's API", lacks: AutoSave, stored: `{"n":0}`, steps: []step{
		{use: change(func(sess *sessions.Session) { sess.Values[42] = 43 }), want: "500 error; varies; 1 read"},
	}},
	{name: "a session that another request has ended is not brought back", stored: `{"n":0}`, steps: []step{
		{told: true, use: inOrder(setOne, meanwhile(endIt), trying(saveOne)), want: "200 ErrGone; varies; 3 reads, 1 delete; nothing stored"},
	}},
	{name: "a change of a session that another request has ended is dropped and logged", needs: AutoSave, stored: `{"n":0}`, steps: []step{
		{use: inOrder(setOne, meanwhile(endIt)), want: "200 ok; varies; 3 reads, 1 delete; nothing stored; INFO changes of an ended session dropped"},
	}},
	{name: "an Update of a session that another request has ended", stored: `{"n":0}`, steps: []step{
		{told: true, use: inOrder(readN, meanwhile(endIt), trying(updateOne)), want: "200 ErrGone; varies; 3 reads, 1 delete; nothing stored"},
	}},
	{name: "ErrGone is returned", needs: AutoSave | Errors, stored: `{"n":0}`, steps: []step{
		{use: inOrder(setOne, meanwhile(endIt), save), want: "409 replaced; varies; 3 reads, 1 delete; nothing stored"},
	}},
	{
		name: "a malformed document is logged, stays, and gives way to a new session", stored: `{"n":0}`,
		steps: []step{
			{before: damage, use: readAll, want: "200 map[]; varies; 1 read; something; WARN session document ignored"},
			{use: setOne, want: `200 ok; issued; 1 read, 1 write; something {"n":1}; WARN session document ignored`},
		},
	},
}

// rareFailures are those that matter less.
var rareFailures = []row{
	{name: "a session that is too large", needs: AutoSave, stored: `{"n":0}`, steps: []step{
		{use: set("n", strings.Repeat("x", 1<<20)), want: "500 replaced; varies; 1 read; ERROR session not saved"},
		{use: inOrder(set("n", strings.Repeat("x", 1<<20)), first(trying(save), set("n", 0))), want: "200 ErrTooLarge; varies; 1 read"},
	}},
	{name: "a save that Firestore aborts is repeated", stored: `{"n":0}`, steps: []step{
		{before: abort(2), use: setOne, want: `200 ok; issued; 1 read, 1 write; {"n":1}`},
	}},
	{name: "a save whose answer is lost is looked up", stored: `{"n":0}`, steps: []step{
		{before: loseAnswer, use: setOne, want: `200 ok; issued; 2 reads, 1 write; {"n":1}`},
	}},
	{name: "a panic of Config.ErrorHandler", needs: AutoSave | Panics, stored: `{"n":0}`, errorHandler: panicAtOnce, steps: []step{
		{fails: "save", use: setOne, want: "broken connection; 1 read; ERROR session not saved"},
		{use: readN, want: "200 0; varies; 1 read"},
	}},
}

const notStored = "503 replaced; varies; 1 read"

func silently(c *call) (string, error) {
	return fmt.Sprint(len(c.Session().Values), " values"), nil
}

// unwanted sets headers that must not be in an error response.
func unwanted(c *call) (string, error) {
	for name, value := range map[string]string{
		"Cache-Control":  "public, max-age=600",
		"Etag":           `"handler's"`,
		"Location":       "/elsewhere",
		"Content-Length": "9999",
		"Set-Cookie":     "handlers=1",
	} {
		c.w.Header().Set(name, value)
	}
	return "ok", nil
}

func apologize(w http.ResponseWriter, _ *http.Request, _ Sessions, err error) {
	w.Header().Set("X-Sorry", "yes")
	http.Error(w, fmt.Sprint("sorry: ", grpcstatus.Code(err)), http.StatusBadGateway)
}

// signOut ends a session that cannot be saved.
func signOut(w http.ResponseWriter, _ *http.Request, s Sessions, _ error) {
	if err := s.Destroy(); err != nil {
		panic(err)
	}
	w.Header().Set("Location", "/login")
	w.WriteHeader(http.StatusSeeOther)
}

// beginAnew puts another session in the place of one that cannot be saved.
func beginAnew(w http.ResponseWriter, _ *http.Request, s Sessions, _ error) {
	if err := s.Destroy(); err != nil {
		panic(err)
	}
	s.Session().Values["m"] = 1
	if err := s.Save(); err != nil {
		panic(err)
	}
	w.Header().Set("Location", "/login")
	w.WriteHeader(http.StatusSeeOther)
}

func signOutFor(w http.ResponseWriter, r *http.Request, s Sessions, err error) bool {
	signOut(w, r, s, err)
	return true
}

func beginAnewFor(w http.ResponseWriter, r *http.Request, s Sessions, err error) bool {
	beginAnew(w, r, s, err)
	return true
}

// changeFor changes the session before it answers the application's own error.
func changeFor(w http.ResponseWriter, r *http.Request, s Sessions, err error) bool {
	if errors.Is(err, ErrTeapot) {
		s.Session().Values["n"] = 1
	}
	return answerTeapot(w, r, s, err)
}

func endIt(sess *sessions.Session) { sess.Options.MaxAge = -1 }

// abort has Firestore abort saves for contention.
func abort(times int) func(*trial) {
	return func(tr *trial) {
		tr.firestore.Inject(firestoretest.Fault{Method: "Commit", Times: times, Err: grpcstatus.Error(codes.Aborted, "contention")})
	}
}

func loseAnswer(tr *trial) {
	tr.firestore.Inject(firestoretest.Fault{Method: "Commit", After: true, Err: grpcstatus.Error(codes.Internal, "lost")})
}

func failOnce(tr *trial) {
	tr.firestore.Inject(firestoretest.Fault{Method: "Commit", Err: grpcstatus.Error(codes.PermissionDenied, "no")})
}

// damage makes the stored document malformed.
func damage(tr *trial) {
	for _, ref := range tr.refs() {
		if _, err := ref.Set(tr.Context(), map[string]any{"data": "damaged", "max_age": nil}); err != nil {
			tr.Error(err)
		}
	}
}

func panicAtOnce(http.ResponseWriter, *http.Request, Sessions, error) { panic("trouble") }
