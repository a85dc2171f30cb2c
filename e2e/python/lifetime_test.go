package python

import (
	"testing"
	"time"

	"github.com/echofirestore/echofirestore"
)

// TestLifetimes sets the lifetime of one session on either side. Version 0.1.1 of the Python package keeps none with the
// session.
func TestLifetimes(t *testing.T) {
	t.Parallel()
	try(t, echofirestore.Config{MaxAge: 3600}, []behaviour{
		{"a lifetime that was set in Go", []step{
			{on: inGo, get: "/set?a=1", want: `200 {"a":"1"}, cookie for 3600 s, 1 write`},
			{on: inGo, get: "/max-age?seconds=7200", want: `200 {"a":"1"}, cookie for 7200 s, 1 read, 1 write`},
			{on: inPython, get: "/set?b=2", want: `200 {"a":"1","b":"2"}, cookie for 7200 s, 1 read, 1 write`, legacy: `200 {"a":"1","b":"2"}, cookie for 3600 s, 1 read, 1 write`},
			{on: inFirestore, want: `{"a":"1","b":"2"} expire=7200s max_age=7200`, legacy: `{"a":"1","b":"2"} expire=3600s`},
			{on: inGo, get: "/set?c=3", want: `200 {"a":"1","b":"2","c":"3"}, cookie for 7200 s, 1 read, 1 write`, legacy: `200 {"a":"1","b":"2","c":"3"}, cookie for 3600 s, 1 read, 1 write`},
		}},
		{"a lifetime that was set in Python", []step{
			{on: inPython, get: "/set?a=1", want: `200 {"a":"1"}, cookie for 3600 s, 1 write`},
			{on: inPython, get: "/max-age?seconds=60", want: `200 {"a":"1"}, cookie for 60 s, 1 read, 1 write`},
			{on: inFirestore, want: `{"a":"1"} expire=60s max_age=60`, legacy: `{"a":"1"} expire=60s`},
			{on: inGo, get: "/set?b=2", want: `200 {"a":"1","b":"2"}, cookie for 60 s, 1 read, 1 write`, legacy: `200 {"a":"1","b":"2"}, cookie for 3600 s, 1 read, 1 write`},
			{on: inFirestore, want: `{"a":"1","b":"2"} expire=60s max_age=60`, legacy: `{"a":"1","b":"2"} expire=3600s max_age=3600`},
			{on: inFirestore, later: time.Minute},
			{on: inPython, get: "/", want: `200 {}, 1 read, 1 delete`, legacy: `200 {"a":"1","b":"2"}, 1 read`},
		}},
		{"until the browser closes, set in Go", []step{
			{on: inGo, get: "/set?a=1", want: `200 {"a":"1"}, cookie for 3600 s, 1 write`},
			{on: inGo, get: "/max-age?seconds=None", want: `200 {"a":"1"}, cookie, 1 read, 1 write`},
			{on: inFirestore, want: `{"a":"1"} max_age=null`},
			{on: inPython, get: "/set?b=2", want: `200 {"a":"1","b":"2"}, cookie, 1 read, 1 write`, legacy: `200 {"a":"1","b":"2"}, cookie for 3600 s, 1 read, 1 write`},
			{on: inFirestore, want: `{"a":"1","b":"2"} max_age=null`, legacy: `{"a":"1","b":"2"} expire=3600s`},
		}},
		{"until the browser closes, set in Python", []step{
			{on: inPython, get: "/set?a=1", want: `200 {"a":"1"}, cookie for 3600 s, 1 write`},
			{on: inPython, get: "/max-age?seconds=None", want: `200 {"a":"1"}, cookie, 1 read, 1 write`, legacy: `200 {"a":"1"}, cookie for 3600 s, 1 read, 1 write`},
			{on: inFirestore, want: `{"a":"1"} max_age=null`, legacy: `{"a":"1"}`},
			{on: inGo, get: "/set?b=2", want: `200 {"a":"1","b":"2"}, cookie, 1 read, 1 write`, legacy: `200 {"a":"1","b":"2"}, cookie for 3600 s, 1 read, 1 write`},
			{on: inFirestore, want: `{"a":"1","b":"2"} max_age=null`, legacy: `{"a":"1","b":"2"} expire=3600s max_age=3600`},
		}},
		{"used but not changed: 0.1.1 sees it empty a max age after its last change", []step{
			{on: inGo, get: "/set?a=1", want: `200 {"a":"1"}, cookie for 3600 s, 1 write`},
			{on: inGo, get: "/max-age?seconds=7200", want: `200 {"a":"1"}, cookie for 7200 s, 1 read, 1 write`},
			{on: inFirestore, later: 90 * time.Minute},
			{on: inPython, get: "/", want: `200 {"a":"1"}, 1 read`, legacy: `200 {}, 1 read`},
			{on: inGo, get: "/", want: `200 {"a":"1"}, 1 read`},
			{on: inPython, get: "/set?b=2", want: `200 {"a":"1","b":"2"}, cookie for 7200 s, 1 read, 1 write`, legacy: `200 {"b":"2"}, cookie for 3600 s, 1 read, 1 write`},
		}},
		{"a lifetime that is over at once", []step{
			{on: inPython, get: "/set?a=1", want: `200 {"a":"1"}, cookie for 3600 s, 1 write`},
			{on: inPython, get: "/max-age?seconds=0", want: `200 {"a":"1"}, cookie deleted, 1 read, 1 write`},
			{on: inGo, get: "/", want: `200 {}`},
		}},
	})
}

// TestBrowserSessions is without max ages.
func TestBrowserSessions(t *testing.T) {
	t.Parallel()
	try(t, echofirestore.Config{}, []behaviour{
		{"lives on", []step{
			{on: here, get: "/set?a=1", want: `200 {"a":"1"}, cookie, 1 write`},
			{on: inFirestore, later: 10000 * time.Hour},
			{on: there, get: "/", want: `200 {"a":"1"}, 1 read`},
			{on: there, get: "/set?b=2", want: `200 {"a":"1","b":"2"}, cookie, 1 read, 1 write`},
			{on: here, get: "/", want: `200 {"a":"1","b":"2"}, 1 read`},
		}},
		{"gets a lifetime", []step{
			{on: here, get: "/set?a=1", want: `200 {"a":"1"}, cookie, 1 write`},
			{on: here, get: "/max-age?seconds=60", want: `200 {"a":"1"}, cookie for 60 s, 1 read, 1 write`},
			{on: inFirestore, later: time.Minute},
			{on: there, get: "/", want: `200 {}, 1 read, 1 delete`},
		}},
	})
}

// TestLimit is about Config.Lifetime, of which Python knows nothing: there it ends when Go sees it.
func TestLimit(t *testing.T) {
	t.Parallel()
	try(t, echofirestore.Config{MaxAge: 3600, Lifetime: 2 * time.Hour}, []behaviour{
		{"a Lifetime ends what Python keeps alive; 0.1.1 takes away when it began", []step{
			{on: inPython, get: "/set?a=1", want: `200 {"a":"1"}, cookie for 3600 s, 1 write`},
			{on: inGo, get: "/sign-in?user=alice", want: `200 {"a":"1","user":"alice"}, cookie for 3600 s, 1 read, 1 write, 1 delete`},
			{on: inFirestore, want: `{"a":"1","user":"alice"} expire=3600s max_age=3600 started`},
			{on: inFirestore, later: 50 * time.Minute},
			{on: inPython, get: "/set?b=2", want: `200 {"a":"1","b":"2","user":"alice"}, cookie for 3600 s, 1 read, 1 write`},
			{on: inFirestore, later: 50 * time.Minute},
			{on: inPython, get: "/set?c=3", want: `200 {"a":"1","b":"2","c":"3","user":"alice"}, cookie for 3600 s, 1 read, 1 write`},
			{
				on: inFirestore, want: `{"a":"1","b":"2","c":"3","user":"alice"} expire=3600s max_age=3600 started`,
				legacy: `{"a":"1","b":"2","c":"3","user":"alice"} expire=3600s`,
			},
			{on: inFirestore, later: 50 * time.Minute},
			{on: inPython, get: "/", want: `200 {"a":"1","b":"2","c":"3","user":"alice"}, 1 read`},
			{on: inGo, get: "/", want: `200 {}, 1 read, 1 delete`, legacy: `200 {"a":"1","b":"2","c":"3","user":"alice"}, 1 read`},
			{on: inPython, get: "/", want: `200 {}, 1 read`, legacy: `200 {"a":"1","b":"2","c":"3","user":"alice"}, 1 read`},
		}},
	})
}

// TestIdleTimeout: Python knows nothing of it, and saves the end of the max age.
func TestIdleTimeout(t *testing.T) {
	t.Parallel()
	try(t, echofirestore.Config{MaxAge: 3600, IdleTimeout: 10 * time.Minute}, []behaviour{
		{"saved by Go", []step{
			{on: inGo, get: "/set?a=1", want: `200 {"a":"1"}, cookie for 3600 s, 1 write`},
			{on: inFirestore, want: `{"a":"1"} expire=600s max_age=3600`},
			{on: inFirestore, later: 9 * time.Minute},
			{on: inPython, get: "/", want: `200 {"a":"1"}, 1 read`},
			{on: inFirestore, later: time.Minute},
			{on: inPython, get: "/", want: `200 {}, 1 read, 1 delete`},
		}},
		{"saved by Python, and used in Go before its end", []step{
			{on: inPython, get: "/set?a=1", want: `200 {"a":"1"}, cookie for 3600 s, 1 write`},
			{on: inFirestore, later: 9 * time.Minute},
			{on: inGo, get: "/", want: `200 {"a":"1"}, cookie for 3600 s, 1 read, 1 write`},
			{on: inFirestore, want: `{"a":"1"} expire=600s max_age=3600`, legacy: `{"a":"1"} expire=600s`},
			{on: inFirestore, later: 9 * time.Minute},
			{on: inGo, get: "/", want: `200 {"a":"1"}, cookie for 3600 s, 1 read, 1 write`},
		}},
		{"saved by Python, and used in Go after its end", []step{
			{on: inPython, get: "/set?a=1", want: `200 {"a":"1"}, cookie for 3600 s, 1 write`},
			{on: inFirestore, later: 10 * time.Minute},
			{on: inGo, get: "/", want: `200 {}, 1 read, 1 delete`},
		}},
		{"saved by Python, and used in Go shortly before the end of its max age", []step{
			{on: inPython, get: "/set?a=1", want: `200 {"a":"1"}, cookie for 3600 s, 1 write`},
			{on: inFirestore, later: 55 * time.Minute},
			{on: inGo, get: "/", want: `200 {}, 1 read, 1 delete`},
		}},
		{"saved by Python in a session of Go", []step{
			{on: inGo, get: "/set?a=1", want: `200 {"a":"1"}, cookie for 3600 s, 1 write`},
			{on: inPython, get: "/set?b=2", want: `200 {"a":"1","b":"2"}, cookie for 3600 s, 1 read, 1 write`},
			{on: inFirestore, later: 11 * time.Minute},
			{on: inPython, get: "/", want: `200 {"a":"1","b":"2"}, 1 read`},
			{on: inGo, get: "/", want: `200 {}, 1 read, 1 delete`},
		}},
	})
	try(t, echofirestore.Config{IdleTimeout: 10 * time.Minute}, []behaviour{
		{"until the browser closes, saved by Go", []step{
			{on: inGo, get: "/set?a=1", want: `200 {"a":"1"}, cookie, 1 write`},
			{on: inFirestore, want: `{"a":"1"} expire=600s max_age=null`},
			{on: inFirestore, later: 10 * time.Minute},
			{on: inPython, get: "/", want: `200 {}, 1 read, 1 delete`},
		}},
		{"until the browser closes, saved by Python", []step{
			{on: inPython, get: "/set?a=1", want: `200 {"a":"1"}, cookie, 1 write`},
			{on: inFirestore, later: 9 * time.Minute},
			{on: inGo, get: "/", want: `200 {"a":"1"}, cookie, 1 read, 1 write`},
			{on: inFirestore, later: 9 * time.Minute},
			{on: inGo, get: "/", want: `200 {"a":"1"}, cookie, 1 read, 1 write`},
			{on: inFirestore, later: 10 * time.Minute},
			{on: inGo, get: "/", want: `200 {}, 1 read, 1 delete`},
		}},
	})
}
