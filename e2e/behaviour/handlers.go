package behaviour

import (
	"fmt"

	"github.com/gorilla/sessions"
)

// reading is a handler that only looks at its session.
func reading(look func(*sessions.Session) any) Handler {
	return func(r Request) (string, error) {
		sess, err := r.Get("session")
		if err != nil {
			return "", err
		}
		return fmt.Sprint(look(sess)), nil
	}
}

// saving is a handler that saves its session after it has looked at it or changed it.
func saving(change func(*sessions.Session) any) Handler {
	return func(r Request) (string, error) {
		sess, err := r.Get("session")
		if err != nil {
			return "", err
		}
		body := fmt.Sprint(change(sess))
		return body, sess.Save(r.R, r.W)
	}
}

// setFoo is a handler that stores a value.
func setFoo(value string) Handler {
	return saving(func(sess *sessions.Session) any {
		sess.Values["foo"] = value
		return "saved"
	})
}

// getFoo is the handler that answers with that value.
var getFoo = reading(func(sess *sessions.Session) any { return sess.Values["foo"] })

// both is a handler that uses two sessions, and saves them in one go.
func both(use func(one, two *sessions.Session) any) Handler {
	return func(r Request) (string, error) {
		one, err := r.Get("session")
		if err != nil {
			return "", err
		}
		two, err := r.Get("prefs")
		if err != nil {
			return "", err
		}
		body := fmt.Sprint(use(one, two))
		return body, sessions.Save(r.R, r.W)
	}
}
