package hosttest

import (
	"context"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"testing"

	"github.com/echofirestore/echofirestore/firesession"
	"github.com/echofirestore/echofirestore/firestoretest"
)

// A scene serves the same handlers with sessions and without, over HTTP/1 and HTTP/2 without TLS, one request at a time.
type scene struct {
	t             *testing.T
	features      Feature
	with, without string // addresses
	cookies       bool   // a response had a session's cookie

	mu      sync.Mutex
	playing Response
	using   string // what the handler does with its session
	n       int    // changes of the session so far
	seen    []string
	begun   chan struct{} // closed when the client has seen the beginning of the response
	done    chan struct{} // gets one when the handler has returned
}

type sceneKey struct{}

func sceneOf(r *http.Request) *scene { return r.Context().Value(sceneKey{}).(*scene) }

// Saw notes what the handler of a Response has seen.
func Saw(r *http.Request, values ...any) {
	s := sceneOf(r)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen = append(s.seen, "handler saw "+fmt.Sprint(values...))
}

// awaitClient waits until the client has seen the beginning of the response.
func awaitClient(r *http.Request) {
	s := sceneOf(r)
	s.mu.Lock()
	begun := s.begun
	s.mu.Unlock()
	select {
	case <-begun:
	case <-r.Context().Done():
		Saw(r, "a client that saw nothing")
	}
}

func newScene(t *testing.T, serve func(testing.TB, App) http.Handler, features Feature) *scene {
	t.Helper()
	s := &scene{t: t, features: features, done: make(chan struct{}, 1)}
	_, client := firestoretest.Start(t)
	if _, err := client.Collection(firesession.DefaultCollection).Doc("key").Set(t.Context(),
		map[string]any{"data": `{"created": 1, "session": {"n": 0}}`, "max_age": nil}); err != nil {
		t.Fatal(err)
	}
	s.without = s.serve(serve(t, App{Handle: s.play, HandleError: answerTeapot}))
	s.with = s.serve(serve(t, App{
		Stores: []firesession.Config{{Client: client, Logger: slog.New(slog.DiscardHandler)}},
		Handle: func(w http.ResponseWriter, r *http.Request, sessions Sessions) error {
			s.useSession(sessions)
			return s.play(w, r, sessions)
		},
		HandleError: answerTeapot,
	}))
	return s
}

// serve serves h and returns the address.
func (s *scene) serve(h http.Handler) string {
	server := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/again" {
				return
			}
			defer func() { s.done <- struct{}{} }()
			h.ServeHTTP(w, r)
		}),
		ErrorLog:    log.New(io.Discard, "", 0),
		BaseContext: func(net.Listener) context.Context { return context.WithValue(context.Background(), sceneKey{}, s) },
		Protocols:   withoutTLS(true, true),
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.t.Fatal(err)
	}
	go func() { _ = server.Serve(listener) }()
	s.t.Cleanup(func() { _ = server.Close() }) // which waits for no connection, as that of httptest does, for half a second
	return listener.Addr().String()
}

func withoutTLS(http1, http2 bool) *http.Protocols {
	p := new(http.Protocols)
	p.SetHTTP1(http1)
	p.SetUnencryptedHTTP2(http2)
	return p
}

// use says what the handler does with its session from now on.
func (s *scene) use(usage string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.using = usage
}

func (s *scene) useSession(sessions Sessions) {
	s.mu.Lock()
	usage := s.using
	s.n++
	n := s.n
	s.mu.Unlock()
	if usage == "untouched" {
		return
	}
	sess, err := sessions.Get()
	if err != nil {
		s.t.Error(err)
	}
	if usage != "read" {
		sess.Values["n"] = n
	}
}

// play responds.
func (s *scene) play(w http.ResponseWriter, r *http.Request, sessions Sessions) error {
	if s.playing.Handle != nil {
		return s.playing.Handle(w, r, sessions)
	}
	s.playing.serve(w, r)
	return nil
}

// canPlay reports whether a handler can give a response here at all: it must not wait for what the client sends only later.
func (s *scene) canPlay(response Response, protocol string) bool {
	if response.late && protocol == http10 { // which knows neither 100 Continue nor full duplex
		return false
	}
	return s.features.has(response.needs)
}
