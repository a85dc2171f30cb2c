package python

import (
	"testing"
	"time"

	"github.com/echofirestore/echofirestore"
)

// TestSharing is what a user of both applications notices, and what it costs.
func TestSharing(t *testing.T) {
	t.Parallel()
	try(t, echofirestore.Config{MaxAge: 3600}, []behaviour{
		{"signed in here, known there", []step{
			{on: here, get: "/sign-in?user=alice", want: `200 {"user":"alice"}, cookie for 3600 s, 1 write`},
			{on: there, get: "/", want: `200 {"user":"alice"}, 1 read`},
			{on: here, get: "/", want: `200 {"user":"alice"}, 1 read`},
		}},
		{"changed there, seen here", []step{
			{on: here, get: "/set?user=alice&theme=dark", want: `200 {"theme":"dark","user":"alice"}, cookie for 3600 s, 1 write`},
			{on: there, get: "/set?theme=light&lang=ja", want: `200 {"lang":"ja","theme":"light","user":"alice"}, cookie for 3600 s, 1 read, 1 write`},
			{on: here, get: "/", want: `200 {"lang":"ja","theme":"light","user":"alice"}, 1 read`},
			{on: here, get: "/delete?key=lang", want: `200 {"theme":"light","user":"alice"}, cookie for 3600 s, 1 read, 1 write`},
			{on: there, get: "/", want: `200 {"theme":"light","user":"alice"}, 1 read`},
		}},
		{"signed out there, gone here", []step{
			{on: here, get: "/sign-in?user=alice", want: `200 {"user":"alice"}, cookie for 3600 s, 1 write`},
			{on: there, get: "/sign-out", want: `200 {}, cookie deleted, 1 delete`, python: `200 {}, cookie deleted, 1 read, 1 delete`},
			{on: here, get: "/", want: `200 {}`},
			{on: inFirestore, want: `nothing`},
		}},
		{"emptied there, gone here", []step{
			{on: here, get: "/set?user=alice", want: `200 {"user":"alice"}, cookie for 3600 s, 1 write`},
			{on: there, get: "/delete?key=user", want: `200 {}, cookie deleted, 1 read, 1 delete`},
			{on: here, get: "/", want: `200 {}`},
			{on: inFirestore, want: `nothing`},
		}},
		{"expired, whoever looks first", []step{
			{on: here, get: "/set?user=alice", want: `200 {"user":"alice"}, cookie for 3600 s, 1 write`},
			{on: inFirestore, later: 2 * time.Hour},
			{on: there, get: "/", want: `200 {}, 1 read, 1 delete`},
			{on: inFirestore, want: `nothing`},
			{on: here, get: "/", want: `200 {}, 1 read`},
			{on: here, get: "/set?user=bob", want: `200 {"user":"bob"}, cookie for 3600 s, 1 read, 1 write`},
			{on: there, get: "/", want: `200 {"user":"bob"}, 1 read`},
		}},
		{"nothing to save, nothing saved", []step{
			{on: here, get: "/", want: `200 {}`},
			{on: there, get: "/delete?key=none", want: `200 {}`},
			{on: inFirestore, want: `nothing`},
		}},
		{"the document of Python", []step{
			{on: inPython, get: "/set?a=1", want: `200 {"a":"1"}, cookie for 3600 s, 1 write`},
			{on: inFirestore, want: `{"a":"1"} expire=3600s max_age=3600`, legacy: `{"a":"1"} expire=3600s`},
			{on: inGo, get: "/set?b=2", want: `200 {"a":"1","b":"2"}, cookie for 3600 s, 1 read, 1 write`},
			{on: inFirestore, want: `{"a":"1","b":"2"} expire=3600s max_age=3600`},
		}},
		{"the document of Go", []step{
			{on: inGo, get: "/set?a=1", want: `200 {"a":"1"}, cookie for 3600 s, 1 write`},
			{on: inFirestore, want: `{"a":"1"} expire=3600s max_age=3600`},
			{on: inPython, get: "/set?b=2", want: `200 {"a":"1","b":"2"}, cookie for 3600 s, 1 read, 1 write`},
			{on: inFirestore, want: `{"a":"1","b":"2"} expire=3600s max_age=3600`, legacy: `{"a":"1","b":"2"} expire=3600s`},
		}},
		{"Go's sign-in moves the session, in Python it leaves the old one behind", []step{
			{on: there, get: "/set?cart=full", want: `200 {"cart":"full"}, cookie for 3600 s, 1 write`},
			{
				on: here, get: "/sign-in?user=alice", want: `200 {"cart":"full","user":"alice"}, cookie for 3600 s, 1 read, 1 write, 1 delete`,
				python: `200 {"user":"alice"}, cookie for 3600 s, 1 write`,
			},
		}},
	})
}

// TestUserKey shows the field by which the sessions of one user are found. Python does not know of it.
func TestUserKey(t *testing.T) {
	t.Parallel()
	try(t, echofirestore.Config{UserKey: "user"}, []behaviour{
		{"a user whom Python signed in is in the field from Go's next save on", []step{
			{on: inPython, get: "/sign-in?user=alice", want: `200 {"user":"alice"}, cookie, 1 write`},
			{on: inFirestore, want: `{"user":"alice"} max_age=null`, legacy: `{"user":"alice"}`},
			{on: inGo, get: "/set?a=1", want: `200 {"a":"1","user":"alice"}, cookie, 1 read, 1 write`},
			{on: inFirestore, want: `{"a":"1","user":"alice"} max_age=null user=alice`},
		}},
		{"the field stays when Python saves, in 0.1.1 it goes", []step{
			{on: inGo, get: "/set?user=alice", want: `200 {"user":"alice"}, cookie, 1 write`},
			{on: inPython, get: "/set?a=1", want: `200 {"a":"1","user":"alice"}, cookie, 1 read, 1 write`},
			{on: inFirestore, want: `{"a":"1","user":"alice"} max_age=null user=alice`, legacy: `{"a":"1","user":"alice"}`},
		}},
		{"the field is not up to date when Python has changed the user", []step{
			{on: inGo, get: "/set?user=alice", want: `200 {"user":"alice"}, cookie, 1 write`},
			{on: inPython, get: "/set?user=bob", want: `200 {"user":"bob"}, cookie, 1 read, 1 write`},
			{on: inFirestore, want: `{"user":"bob"} max_age=null user=alice`, legacy: `{"user":"bob"}`},
			{on: inGo, get: "/set?a=1", want: `200 {"a":"1","user":"bob"}, cookie, 1 read, 1 write`},
			{on: inFirestore, want: `{"a":"1","user":"bob"} max_age=null user=bob`},
		}},
	})
}
