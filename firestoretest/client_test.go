package firestoretest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"cloud.google.com/go/firestore"
)

// Applications close the client that they were given, when they shut down.
func TestStartAllowsATestToCloseEverythingItself(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*Server, *firestore.Client) error{
		"nothing": func(*Server, *firestore.Client) error { return nil },
		"client":  func(_ *Server, c *firestore.Client) error { return c.Close() },
		"client twice": func(_ *Server, c *firestore.Client) error {
			err := c.Close()
			_ = c.Close()
			return err
		},
		"client concurrently": func(_ *Server, c *firestore.Client) error {
			var wg sync.WaitGroup
			for range 8 {
				wg.Go(func() { _ = c.Close() })
			}
			wg.Wait()
			return nil
		},
		"client during a call": func(s *Server, c *firestore.Client) error {
			s.Inject(Fault{Do: func() { _ = c.Close() }})
			if _, err := c.Doc("c/d").Get(context.Background()); err == nil {
				return errors.New("the call succeeded on a closed client")
			}
			return nil
		},
		"server":                 func(s *Server, _ *firestore.Client) error { return s.Close() },
		"client, then server":    func(s *Server, c *firestore.Client) error { return errors.Join(c.Close(), s.Close()) },
		"server, then client":    func(s *Server, c *firestore.Client) error { return errors.Join(s.Close(), c.Close()) },
		"server twice, no error": func(s *Server, _ *firestore.Client) error { return errors.Join(s.Close(), s.Close()) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var fake recordingT
			server, client := Start(&fake)
			if _, err := client.Doc("c/d").Set(t.Context(), map[string]any{}); err != nil {
				t.Fatal(err)
			}
			if err := end(server, client); err != nil {
				t.Error(err)
			}
			fake.end()
			if fake.failures != nil {
				t.Errorf("the test fails: %v", fake.failures)
			}
			if _, err := client.Doc("c/d").Get(t.Context()); err == nil {
				t.Error("the client is open after the test")
			}
		})
	}
}

// recordingT is a test that notes how it fails. Methods that it doesn't have panic.
type recordingT struct {
	testing.TB
	cleanups []func()
	failures []string
}

func (t *recordingT) Helper()                      {}
func (t *recordingT) Cleanup(f func())             { t.cleanups = append(t.cleanups, f) }
func (t *recordingT) Error(args ...any)            { t.failures = append(t.failures, fmt.Sprint(args...)) }
func (t *recordingT) Errorf(f string, args ...any) { t.Error(fmt.Sprintf(f, args...)) }
func (t *recordingT) Fatal(args ...any)            { t.Error(args...) }

func (t *recordingT) end() {
	for _, f := range slices.Backward(t.cleanups) {
		f()
	}
}
