package main

import (
	"errors"
	"net/http"
	"sync"

	"github.com/labstack/echo/v4"

	"github.com/echofirestore/echofirestore"
	"github.com/echofirestore/echofirestore/firestoretest"
)

const pathLate = "/late-save"

// keyLate is the session's value for what became of a late save: of a session before.
const keyLate = "late"

// A lateSave tells of a request that had read the session before it was ended, and saved it afterwards.
type lateSave struct {
	Views   int  `json:"views"`   // what the request had read
	Refused bool `json:"refused"` // its save returned ErrGone
	Status  int  `json:"status"`  // what it was answered
	Back    bool `json:"back"`    // the document was there again

	// What each step has cost: reading, ending, saving, and looking whether the document is back.
	Costs [4]string `json:"costs"`
}

// latePage is what the template late.html shows.
type latePage struct {
	frame
	Late *lateSave // nil if there was none
	CSRF string
}

// showLate shows what became of the late save.
func (a *app) showLate(c echo.Context) error {
	sess, err := a.session(c)
	if err != nil {
		return err
	}
	page := latePage{frame: frameOf(sess), CSRF: csrfToken(c)}
	if late, ok := echofirestore.Value[lateSave](sess, keyLate); ok {
		page.Late = &late
	}
	if err := a.saveFor(c, &page.frame); err != nil {
		return err
	}
	return a.pages.show(c, http.StatusOK, "late.html", page)
}

// saveLate ends the session while another request is under way that has read it, and saves it afterwards.
func (a *app) saveLate(c echo.Context) error {
	key, late, err := a.endUnderSlow(c)
	if err != nil {
		return err
	}
	if key == "" {
		sess, err := a.session(c)
		if err != nil {
			return err
		}
		return explain(c, sess, "/", noSession)
	}
	ctx := c.Request().Context()
	before := costOf(ctx)
	doc, err := a.stored(ctx, key)
	if err != nil {
		return err
	}
	late.Back, late.Costs[3] = doc.Exists(), costOf(ctx).Sub(before).String()

	sess, err := newSession(c)
	if err != nil {
		return err
	}
	sess.Values[keyLate] = late
	return c.Redirect(http.StatusSeeOther, pathLate)
}

// endUnderSlow ends the session between the read and the save of a slow request. It returns the session's key, "" if the
// client has no session.
func (a *app) endUnderSlow(c echo.Context) (key string, late lateSave, err error) {
	if !hasSession(c.Request()) {
		return "", late, nil
	}
	slow := a.startSlow(c.Request())
	defer slow.finish(false)
	if slow.key != "" {
		ctx := c.Request().Context()
		before := costOf(ctx)
		if err := echofirestore.Destroy(c); err != nil {
			return "", late, err
		}
		late.Costs[1] = costOf(ctx).Sub(before).String()
	}
	slow.finish(true)
	if slow.err != nil && !errors.Is(slow.err, echofirestore.ErrGone) {
		return "", late, slow.err
	}
	late.Views, late.Costs[0], late.Costs[2] = slow.views, slow.reading.String(), slow.saving.String()
	late.Refused, late.Status = errors.Is(slow.err, echofirestore.ErrGone), http.StatusOK
	if slow.err != nil {
		late.Status = statusOf(slow.err)
	}
	return slow.key, late, nil
}

// A slowRequest is a request of the program's own that takes its time between reading the session and saving it. It waits
// for [slowRequest.finish], so that this takes no longer than what is done meanwhile.
type slowRequest struct {
	key             string // of the session, "" if there was none
	views           int
	reading, saving firestoretest.Ops
	err             error // that it is answered with, when it is finished

	save  chan bool
	ended chan struct{}
}

// startSlow starts a slow request with the cookies of r, and returns when that has read the session. It must be finished.
func (a *app) startSlow(r *http.Request) *slowRequest {
	s := &slowRequest{save: make(chan bool, 1), ended: make(chan struct{})}
	read := make(chan struct{})
	go func() {
		defer close(s.ended)
		hasRead := sync.OnceFunc(func() { close(read) })
		defer hasRead() // also if it could not
		_, s.err = a.inside(r, func(c echo.Context) error { return s.handle(c, hasRead) })
	}()
	<-read
	return s
}

func (s *slowRequest) handle(c echo.Context, hasRead func()) error {
	sess, err := echofirestore.Get(c)
	if err != nil || sess.IsNew {
		return err
	}
	ctx := c.Request().Context()
	s.key, s.reading = sess.ID, costOf(ctx)
	s.views, _ = echofirestore.Value[int](sess, keyViews)
	hasRead()
	if !<-s.save {
		return nil
	}
	sess.Values[keyNote] = "saved too late"
	err = echofirestore.Save(c)
	s.saving = costOf(ctx).Sub(s.reading)
	return err
}

// finish lets the request save the session or give up, and waits until it has ended. Only the first call decides.
func (s *slowRequest) finish(save bool) {
	select {
	case s.save <- save:
	default: // it is decided
	}
	<-s.ended
}
