package hosttest

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/gorilla/sessions"

	"github.com/echofirestore/echofirestore/firesession"
)

// A call is a handler at work.
type call struct {
	Sessions
	w http.ResponseWriter
	r *http.Request

	trial *trial
}

// A use is what a handler does with its sessions, and what it shows.
type use func(c *call) (shown string, err error)

// A respond is how a handler responds.
type respond func(w http.ResponseWriter, r *http.Request) error

// nothing does not touch the session.
func nothing(*call) (string, error) { return "ok", nil }

// look shows something of the session.
func look(at func(*sessions.Session) any) use {
	return func(c *call) (string, error) {
		sess, err := c.Get()
		if err != nil {
			return "", err
		}
		return fmt.Sprint(at(sess)), nil
	}
}

var (
	readN   = look(func(sess *sessions.Session) any { return sess.Values["n"] })
	readAll = look(func(sess *sessions.Session) any { return sess.Values })
)

// change changes the session.
func change(by func(*sessions.Session)) use {
	return look(func(sess *sessions.Session) any {
		by(sess)
		return "ok"
	})
}

func set(key string, value any) use {
	return change(func(sess *sessions.Session) { sess.Values[key] = value })
}

func setMaxAge(seconds int) use {
	return change(func(sess *sessions.Session) { sess.Options.MaxAge = seconds })
}

var (
	setOne = set("n", 1)
	empty  = change(func(sess *sessions.Session) { clear(sess.Values) })
	end    = setMaxAge(-1)
)

// setSilently is set("n", 1) by a handler that does not ask for errors.
func setSilently(c *call) (string, error) {
	c.Session().Values["n"] = 1
	return "ok", nil
}

// do calls a function of the host.
func do(f func(Sessions) error) use {
	return func(c *call) (string, error) { return "ok", f(c.Sessions) }
}

var (
	save    = do(Sessions.Save)
	renew   = do(Sessions.Renew)
	destroy = do(Sessions.Destroy)
	refresh = do(Sessions.Refresh)
)

// saveOne saves the session as gorilla's API does.
func saveOne(c *call) (string, error) {
	sess, err := c.Get()
	if err != nil {
		return "", err
	}
	return "ok", sess.Save(c.r, c.w)
}

// update changes the session by Update.
func update(by func(*sessions.Session) error) use {
	return do(func(s Sessions) error { return s.Update(by) })
}

var updateOne = update(func(sess *sessions.Session) error { sess.Values["n"] = 1; return nil })

// inOrder does one thing after another, and shows the last.
func inOrder(uses ...use) use {
	return func(c *call) (shown string, err error) {
		for _, u := range uses {
			if shown, err = u(c); err != nil {
				return "", err
			}
		}
		return shown, nil
	}
}

// first does one thing after another, and shows the first.
func first(u use, others ...use) use {
	return func(c *call) (string, error) {
		shown, err := u(c)
		if err != nil {
			return "", err
		}
		_, err = inOrder(others...)(c)
		return shown, err
	}
}

// trying shows the error of a use, and goes on.
func trying(u use) use {
	return func(c *call) (string, error) {
		shown, err := u(c)
		if err != nil {
			shown = nameOf(err)
		}
		return shown, nil
	}
}

func nameOf(err error) string {
	for name, sentinel := range map[string]error{
		"ErrGone":      firesession.ErrGone,
		"ErrConflict":  firesession.ErrConflict,
		"ErrTooLarge":  firesession.ErrTooLarge,
		"ErrCommitted": firesession.ErrCommitted,
	} {
		if errors.Is(err, sentinel) {
			return name
		}
	}
	return "an error"
}

// named is a use of the session of another name.
func named(name string, u func(*sessions.Session) any) use {
	return func(c *call) (string, error) {
		sess, err := c.Named(name)
		if err != nil {
			return "", err
		}
		return fmt.Sprint(u(sess)), nil
	}
}
