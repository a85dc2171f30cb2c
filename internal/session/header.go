package session

import (
	"context"
	"log/slog"
	"maps"
	"net/http"
	"reflect"
)

// putHeaders writes the cookies and the cache headers of the sessions into the header that the response had when the
// middleware got it. It calls wanted under the lock of that header, and does nothing if that reports false.
func (x *Exchange) putHeaders(ctx context.Context, wanted func() bool) {
	var overridden []string
	x.headers.Lock()
	if wanted() {
		for _, o := range x.opened() {
			if x.store.writeHeaders(x.header, o.rec) {
				overridden = append(overridden, o.rec.name)
			}
		}
	}
	x.headers.Unlock()
	for _, name := range overridden {
		x.store.logOverridden(ctx, name)
	}
}

// showHeaders puts the headers while the response waits, so that handlers see them. When it begins, they are put again.
func (x *Exchange) showHeaders(ctx context.Context) {
	x.putHeaders(ctx, func() bool { return x.in(waiting) && !x.hasReturned() })
}

// ResetHeader restores the response's header as it was before the handlers, and adds the cookies of sessions that are
// saved. It clears h, the header as the handlers see it, if that is a different one.
func (x *Exchange) ResetHeader(h http.Header) {
	if !sameMap(h, x.header) {
		clear(h)
	}
	x.headers.Lock()
	clear(x.header)
	maps.Copy(x.header, x.before)
	x.headers.Unlock()
	for each := x; each != nil; each = each.within {
		each.putHeaders(each.host.Context(), func() bool { return true })
	}
}

// keepHeader notes the header of the error response before the handlers' hooks change it, if the host runs them for the error
// response as well.
func (x *Exchange) keepHeader() {
	x.headers.Lock()
	defer x.headers.Unlock()
	x.before, x.kept = x.header.Clone(), true
}

// dropHookHeaders restores the header that keepHeader has noted.
func (x *Exchange) dropHookHeaders() {
	x.headers.Lock()
	kept := x.kept
	x.headers.Unlock()
	if kept {
		x.ResetHeader(x.header)
	}
}

// moveHeader notes that the response has a new header, because middleware outside has dropped the one that it gave the
// handlers. Echo's Timeout does so when a handler returns an error.
func (x *Exchange) moveHeader(h http.Header) {
	x.headers.Lock()
	defer x.headers.Unlock()
	if sameMap(h, x.header) {
		return
	}
	x.before = h.Clone()
	for name := range x.header { // middleware has copied it
		delete(x.before, name)
	}
	for _, name := range []string{"Content-Type", "Content-Length", "Content-Encoding"} { // of what is about to be written
		delete(x.before, name)
	}
	x.header = h
}

func sameMap(a, b http.Header) bool {
	return reflect.ValueOf(a).Pointer() == reflect.ValueOf(b).Pointer()
}

// writeHeaders sets the cookie and the cache headers of a session. It reports whether it replaced a header that lets caches
// store the response.
func (s *Store) writeHeaders(h http.Header, rec *record) (overridden bool) {
	varyByCookie(h)
	retractCookie(h, rec)
	cookie := rec.pendingCookie()
	if cookie == nil {
		return false
	}
	setCookie(h, cookie)
	return forbidSharedCaching(h)
}

func (s *Store) logOverridden(ctx context.Context, name string) {
	s.cfg.Logger.LogAttrs(ctx, slog.LevelWarn,
		"cache headers of a response that sets a session cookie replaced by private, no-store", slog.String("cookie", name))
}

// retractCookie removes the cookie of a session that was saved in this request and then ended by another one: by now, the
// client may have the cookie of a new session.
func retractCookie(h http.Header, rec *record) {
	if !rec.is(vanished, dropped) {
		return
	}
	if cookie := rec.dropCookie(); cookie != nil {
		unsetCookie(h, cookie)
	}
}
