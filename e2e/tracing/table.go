package tracing

import (
	"errors"
	"math"
	"time"

	"github.com/echofirestore/echofirestore/firestoretest"
	"github.com/gorilla/sessions"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// What must not be exported.
const (
	oldKey = "the-old-key-of-a-session-in-the-database-00"
	newKey = "the-new-key-of-a-session-in-the-database-11"
	user   = "alice-liddell-who-has-the-session"
	secret = "the-secret-value-that-a-handler-has-stored"
)

// A request is one that a program serves.
type request struct {
	name    string
	stored  bool          // there is a session
	data    string        // its data; "" for one of the user
	cookie  string        // the client's; none if it is "-", and oldKey if it is ""
	age     time.Duration // since the session was saved, for an hour
	handler func(visit) error
	// Firestore's own answer names the document, as it may if a precondition fails, and the client's span quotes it.
	quoted bool
	want   []string // our spans, if nothing fails
}

var requests = []request{
	{name: "untouched", stored: true, handler: func(visit) error { return nil }},
	{name: "no cookie", cookie: "-", handler: get},
	{name: "not a key", cookie: "__x__", handler: get},
	{name: "load", stored: true, handler: get, want: []string{"load found: 1 read"}},
	{name: "load of what is gone", handler: get, want: []string{"load missing: 1 read"}},
	{
		name: "load of what has expired", stored: true, age: 2 * time.Hour, handler: get,
		want: []string{"load expired: 1 read, 1 delete"},
	},
	{name: "load of what is malformed", stored: true, data: secret, handler: get, want: []string{"load malformed: 1 read"}},
	{name: "create", cookie: "-", handler: change, want: []string{"save created: 1 write"}},
	{name: "change", stored: true, handler: change, want: []string{"load found: 1 read", "save changed: 1 write"}},
	{name: "change, and save", stored: true, handler: func(v visit) error {
		return errors.Join(change(v), v.Save())
	}, want: []string{"load found: 1 read", "save changed: 1 write"}},
	{
		name: "change of what was changed meanwhile", stored: true, handler: changeMeanwhile, quoted: true,
		want: []string{"load found: 1 read", "save merged: 1 read, 1 write"},
	},
	{
		name: "change of what has ended meanwhile", stored: true, handler: endMeanwhile, quoted: true,
		want: []string{"load found: 1 read", "save gone gone: 1 read"},
	},
	{
		name: "touch", stored: true, age: 30 * time.Minute, handler: get,
		want: []string{"load found: 1 read", "save touched: 1 write"},
	},
	{
		name: "touch of what was saved meanwhile", stored: true, age: 30 * time.Minute,
		handler: touchMeanwhile, quoted: true,
		want: []string{"load found: 1 read", "save none: "},
	},
	{
		name: "empty", stored: true, handler: func(v visit) error {
			sess, err := v.Get()
			if err == nil {
				clear(sess.Values)
			}
			return err
		},
		want: []string{"load found: 1 read", "save deleted: 1 delete"},
	},
	{name: "change to what cannot be stored", stored: true, handler: func(v visit) error {
		sess, err := v.Get()
		if err == nil {
			sess.Values[secret] = make(chan int)
		}
		return err
	}, want: []string{"load found: 1 read", "save failed _OTHER: "}},
	{
		name: "renew", stored: true, handler: func(v visit) error { return v.Renew() },
		want: []string{"load found: 1 read", "save renewed: 1 write, 1 delete"},
	},
	{
		name: "update", stored: true, handler: func(v visit) error { return v.Update(setSecret) },
		want: []string{"load found: 1 read", "update changed: 1 write"},
	},
	{
		name: "update of nothing", stored: true,
		handler: func(v visit) error { return v.Update(func(*sessions.Session) error { return nil }) },
		want:    []string{"load found: 1 read", "update none: "},
	},
	{
		name: "update that its function refuses", stored: true,
		handler: func(v visit) error { return v.Update(func(*sessions.Session) error { return errors.New(secret) }) },
		want:    []string{"load found: 1 read", "update none: "},
	},
	{name: "update of what has ended meanwhile", stored: true, handler: func(v visit) error {
		return v.Update(func(sess *sessions.Session) error {
			sess.Values["secret"] = secret
			return v.delete()
		})
	}, quoted: true, want: []string{"load found: 1 read", "update gone gone: 1 read"}},
	{
		name: "update to the end", stored: true, handler: func(v visit) error {
			return v.Update(func(sess *sessions.Session) error { sess.Options.MaxAge = -1; return nil })
		},
		want: []string{"load found: 1 read", "update deleted: 1 delete", "save none: "},
	},
	{name: "destroy", stored: true, handler: func(v visit) error { return v.Destroy() }, want: []string{"destroy deleted: 1 delete"}},
	{name: "destroy of nothing", cookie: "-", handler: func(v visit) error { return v.Destroy() }, want: []string{"destroy none: "}},
	{name: "list", stored: true, handler: func(v visit) error {
		_, err := v.store.Sessions(v.Request().Context(), user)
		return err
	}, want: []string{"list found: 1 read"}},
	{name: "check", handler: func(v visit) error { return v.store.Check(v.Request().Context()) }, want: []string{"check none: 1 read"}},
	{name: "revoke", stored: true, handler: func(v visit) error {
		sess, err := v.Get()
		if err != nil {
			return err
		}
		return v.store.Revoke(v.Request().Context(), user, v.store.SessionID(sess))
	}, want: []string{"load found: 1 read", "revoke deleted: 1 read, 1 delete"}},
	{name: "revoke what is not there", stored: true, handler: func(v visit) error {
		return v.store.Revoke(v.Request().Context(), user, secret)
	}, want: []string{"revoke gone gone: 1 read"}},
	{name: "revoke a user's", stored: true, handler: func(v visit) error {
		_, err := v.store.RevokeUser(v.Request().Context(), user)
		return err
	}, want: []string{"revoke_user deleted: 1 read, 1 delete"}},
	{name: "revoke all", stored: true, handler: func(v visit) error {
		_, err := v.store.RevokeAll(v.Request().Context())
		return err
	}, want: []string{"revoke_all deleted: 1 read, 1 delete"}},
	{name: "delete expired", stored: true, age: 2 * time.Hour, handler: func(v visit) error {
		_, err := v.store.DeleteExpired(v.Request().Context())
		return err
	}, want: []string{"delete_expired deleted: 1 read, 1 delete"}},
}

func get(v visit) error { _, err := v.Get(); return err }

func change(v visit) error {
	sess, err := v.Get()
	if err == nil {
		_ = setSecret(sess)
	}
	return err
}

func setSecret(sess *sessions.Session) error {
	sess.Values["secret"] = secret
	return nil
}

// changeMeanwhile changes a session that another request has saved since it was read.
func changeMeanwhile(v visit) error {
	if err := change(v); err != nil {
		return err
	}
	return v.touch()
}

func touchMeanwhile(v visit) error {
	if err := get(v); err != nil {
		return err
	}
	return v.touch()
}

func endMeanwhile(v visit) error {
	if err := change(v); err != nil {
		return err
	}
	return v.delete()
}

// noFault is the name of the fault that is none.
const noFault = "no fault"

// faults are what may become of each call of a request.
var faults = map[string]firestoretest.Fault{
	noFault:                 {Skip: math.MaxInt32},
	"refused":               {Times: -1, Err: status.Error(codes.PermissionDenied, "Missing or insufficient permissions.")},
	"refused to commit":     {Method: "Commit", Times: -1, Err: status.Error(codes.PermissionDenied, "Missing or insufficient permissions.")},
	"aborted":               {Method: "Commit", Err: status.Error(codes.Aborted, "Too much contention on these documents.")},
	"always aborted":        {Method: "Commit", Times: -1, Err: status.Error(codes.Aborted, "Too much contention on these documents.")},
	"unavailable":           {Err: status.Error(codes.Unavailable, "The service is currently unavailable.")},
	"not answered":          {Times: -1, Delay: time.Hour},
	"applied, answer lost":  {Method: "Commit", After: true, Err: status.Error(codes.Internal, "The answer was lost.")}, // which the client does not repeat
	"applied, not answered": {Method: "Commit", After: true, Err: status.Error(codes.Unavailable, "The service is currently unavailable.")},
}

// failures are our spans of requests with a fault.
var failures = []struct {
	request, fault string
	want           []string
}{
	{"load", "refused", []string{"load failed PERMISSION_DENIED: "}},
	{"load", "unavailable", []string{"load found: 1 read"}},
	{"load", "not answered", []string{"load failed DEADLINE_EXCEEDED: "}},
	{"create", "refused", []string{"save failed PERMISSION_DENIED: "}},
	{"create", "not answered", []string{"save failed DEADLINE_EXCEEDED: "}},
	{"change", "refused to commit", []string{"load found: 1 read", "save failed PERMISSION_DENIED: "}},
	{"change", "aborted", []string{"load found: 1 read", "save changed: 1 write"}},
	{"change", "always aborted", []string{"load found: 1 read", "save conflict ABORTED: "}},
	{"change", "applied, answer lost", []string{"load found: 1 read", "save changed: 1 read"}}, // the write was billed, but who knows
	{"touch", "refused to commit", []string{"load found: 1 read", "save failed PERMISSION_DENIED: "}},
	{"update", "refused to commit", []string{"load found: 1 read", "update failed PERMISSION_DENIED: "}},
	{"destroy", "refused", []string{"destroy failed PERMISSION_DENIED: "}},
	{"list", "refused", []string{"list failed PERMISSION_DENIED: "}},
	{"revoke a user's", "refused to commit", []string{"revoke_user failed PERMISSION_DENIED: 1 read"}},
}
