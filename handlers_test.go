package echofirestore_test

import (
	"net/http"

	"github.com/gorilla/sessions"
	"github.com/labstack/echo/v4"

	"github.com/echofirestore/echofirestore"
)

// session returns the request's session for handlers of tests that expect no error.
func session(c echo.Context) *sessions.Session {
	return c.Get(echofirestore.SessionKey).(*sessions.Session)
}

// set is a handler that changes one value of its session.
func set(key string, value any) echo.HandlerFunc {
	return func(c echo.Context) error {
		session(c).Values[key] = value
		return c.NoContent(http.StatusOK)
	}
}

func setOne(c echo.Context) { session(c).Values["n"] = 1 }

// see is a handler that answers what it sees of its session.
func see(c echo.Context) error {
	sess, err := echofirestore.Get(c)
	if err != nil {
		return err
	}
	s := seen{ID: sess.ID, IsNew: sess.IsNew, MaxAge: sess.Options.MaxAge, Values: map[string]any{}}
	for key, v := range sess.Values {
		s.Values[key.(string)] = v
	}
	return c.JSON(http.StatusOK, s)
}

// seen is what a handler sees of its session.
type seen struct {
	ID     string         `json:"id"`
	IsNew  bool           `json:"isNew"`
	MaxAge int            `json:"maxAge"`
	Values map[string]any `json:"values"`
}

// countUp is what a handler has Update do.
func countUp(sess *sessions.Session) error {
	n, _ := sess.Values["n"].(int)
	sess.Values["n"] = n + 1
	return nil
}

func countOne(c echo.Context) error { return echofirestore.Update(c, countUp) }
