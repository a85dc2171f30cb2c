package main

import (
	"errors"
	"fmt"
	"net/http"
	"sync"

	"github.com/gorilla/sessions"
	"github.com/labstack/echo/v4"

	"github.com/echofirestore/echofirestore"
	"github.com/echofirestore/echofirestore/firestoretest"
)

const (
	pathBurst = "/burst"

	// burstSize is how many requests change the session at once. Pages say "ten".
	burstSize = 10

	noSession = "That needs a session, and your browser has sent none that lives. Now it has one: please try again."
)

// keyBurst is the session's value for what the last burst came to.
const keyBurst = "burst"

// burst is what a session remembers of the requests that changed it at once.
type burst struct {
	Kept   int `json:"kept"` // how many changes were there afterwards
	Reads  int `json:"reads"`
	Writes int `json:"writes"`
}

// burstPage is what the template burst.html shows.
type burstPage struct {
	frame
	Burst       *burst // nil if there was none
	Lost        int
	Bill, Alone firestoretest.Ops // of all at once, and one after another
	CSRF        string
}

// showBurst shows what the last burst of the session came to.
func (a *app) showBurst(c echo.Context) error {
	sess, err := a.session(c)
	if err != nil {
		return err
	}
	page := burstPage{frame: frameOf(sess), Alone: firestoretest.Ops{Reads: burstSize, Writes: burstSize}, CSRF: csrfToken(c)}
	if b, ok := echofirestore.Value[burst](sess, keyBurst); ok {
		page.Burst, page.Lost = &b, burstSize-b.Kept
		page.Bill = firestoretest.Ops{Reads: b.Reads, Writes: b.Writes}
	}
	if err := a.saveFor(c, &page.frame); err != nil {
		return err
	}
	return a.pages.show(c, http.StatusOK, "burst.html", page)
}

// makeBurst changes the session by several requests at once, and looks afterwards whether all changes are there.
func (a *app) makeBurst(c echo.Context) error {
	mark := a.now().UnixNano()
	var cost firestoretest.Ops
	if hasSession(c.Request()) {
		// One after another, since each removes what it finds in the end.
		select {
		case a.bursting <- struct{}{}:
			defer func() { <-a.bursting }()
		case <-c.Request().Context().Done():
			return c.Request().Context().Err()
		}
		var err error
		if cost, err = a.changeAtOnce(c.Request(), mark); err != nil && !errors.Is(err, errNoSession) {
			return err
		}
	}
	sess, err := a.session(c)
	if err != nil {
		return err
	}
	if sess.IsNew {
		return explain(c, sess, "/", noSession)
	}
	sess.Values[keyBurst] = burst{Kept: takeChanges(sess, mark), Reads: cost.Reads, Writes: cost.Writes}
	return c.Redirect(http.StatusSeeOther, pathBurst)
}

var errNoSession = errors.New("the client has no session")

// changeAtOnce sends requests that each set another value of the session to mark. None saves before all have read.
func (a *app) changeAtOnce(r *http.Request, mark int64) (firestoretest.Ops, error) {
	var ended, read sync.WaitGroup
	read.Add(burstSize)
	var costs [burstSize]firestoretest.Ops
	var errs [burstSize]error
	for i := range burstSize {
		ended.Go(func() {
			hasRead := sync.OnceFunc(read.Done)
			defer hasRead() // also if it could not
			costs[i], errs[i] = a.inside(r, func(c echo.Context) error {
				sess, err := echofirestore.Get(c)
				if err != nil {
					return err
				}
				if sess.IsNew {
					return errNoSession
				}
				hasRead()
				read.Wait()
				sess.Values[changeKey(i)] = mark
				return echofirestore.Save(c)
			})
		})
	}
	ended.Wait()
	var total firestoretest.Ops
	for _, cost := range costs {
		total.Reads += cost.Reads
		total.Writes += cost.Writes
	}
	return total, errors.Join(errs[:]...)
}

func changeKey(i int) string { return fmt.Sprintf("change %d", i+1) }

// takeChanges removes the changes of bursts from the session, and returns how many of them have the mark.
func takeChanges(sess *sessions.Session, mark int64) (n int) {
	for i := range burstSize {
		if got, ok := echofirestore.Value[int64](sess, changeKey(i)); ok && got == mark {
			n++
		}
		delete(sess.Values, changeKey(i))
	}
	return n
}
