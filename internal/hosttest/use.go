package hosttest

import (
	"fmt"
	"net/http"

	"github.com/gorilla/sessions"
)

// nothing is a use that does not touch the session.
func nothing(Sessions) (string, error) { return "ok", nil }

// read shows a value.
func read(key string) use {
	return func(s Sessions) (string, error) {
		sess, err := s.Get()
		if err != nil {
			return "", err
		}
		return fmt.Sprint(sess.Values[key]), nil
	}
}

// with changes the session.
func with(change func(*sessions.Session)) use {
	return func(s Sessions) (string, error) {
		sess, err := s.Get()
		if err != nil {
			return "", err
		}
		change(sess)
		return "ok", nil
	}
}

func set(key string, value any) use {
	return with(func(sess *sessions.Session) { sess.Values[key] = value })
}

var empty = with(func(sess *sessions.Session) { clear(sess.Values) })

// call calls a function of the host.
func call(f func(Sessions) error) use {
	return func(s Sessions) (string, error) { return "ok", f(s) }
}

var (
	save    = call(Sessions.Save)
	renew   = call(Sessions.Renew)
	destroy = call(Sessions.Destroy)
)

// update sets a value by Update.
func update(change func(*sessions.Session)) use {
	return call(func(s Sessions) error {
		return s.Update(func(sess *sessions.Session) error { change(sess); return nil })
	})
}

// inOrder does one thing after another, and shows the last.
func inOrder(uses ...use) use {
	return func(s Sessions) (body string, err error) {
		for _, u := range uses {
			if body, err = u(s); err != nil {
				return "", err
			}
		}
		return body, nil
	}
}

// responder is how a net/http handler responds.
func responder(h http.HandlerFunc) respond {
	return func(w http.ResponseWriter, r *http.Request) error {
		h(w, r)
		return nil
	}
}
