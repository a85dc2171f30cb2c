package main

import (
	"context"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/echofirestore/echofirestore"
	"github.com/echofirestore/echofirestore/firestoretest"
)

// inside carries out a request that the program sends to itself, with the cookies of r. It passes the middleware that
// sessions need, as it would if it came over the network, and reads, changes and saves the session independently of r. It
// returns what it has cost, which is also charged to r, and the error that it would be answered with.
//
// Nothing of such a request can be chosen by a client but its cookies, and no address leads to its handler.
//
//nolint:contextcheck // it has a context of its own
func (a *app) inside(r *http.Request, handle echo.HandlerFunc) (cost firestoretest.Ops, err error) {
	own, err := http.NewRequestWithContext(insideContext{context.WithoutCancel(r.Context())}, http.MethodPost, "/", http.NoBody)
	if err != nil {
		return cost, err
	}
	own.Header["Cookie"] = r.Header["Cookie"]
	handle = recoverPanics(a.logger)(a.store.Middleware()(handle))
	err = metered(func(c echo.Context) error {
		defer func() { cost = costOf(c.Request().Context()) }()
		return handle(c)
	})(a.echo.NewContext(own, unread{http.Header{}}))
	return cost, err
}

// insideContext has no value of the context in it but the meter. Others would lead to the session of the request outside.
type insideContext struct{ context.Context }

// Value implements [context.Context].
func (c insideContext) Value(key any) any {
	if _, ok := key.(meterKey); ok {
		return c.Context.Value(key)
	}
	return nil
}

// hasSession reports whether a request has a cookie that may be the key of a session. To know more would cost a read.
func hasSession(r *http.Request) bool {
	_, err := r.Cookie(echofirestore.DefaultCookieName)
	return err == nil
}

// unread is the [http.ResponseWriter] of a response that nobody reads.
type unread struct{ header http.Header }

func (u unread) Header() http.Header         { return u.header }
func (u unread) Write(b []byte) (int, error) { return len(b), nil }
func (u unread) WriteHeader(int)             {}
