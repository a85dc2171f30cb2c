package model

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/echofirestore/echofirestore/firesession"
)

// A visit is one request of a history: what its handler does, and what was seen of it.
type visit struct {
	h        *history
	id       int
	browser  int // whose cookies it takes and gets; -1 for one that replays a cookie
	cookie   cookie
	key      string // in the cookie
	process  *process
	hurried  bool   // one of a burst
	collides bool   // its first new key is taken
	silent   bool   // takes the session from Echo's context, so that the handler does not learn of a failed load
	steps    []step // before the response
	ending   ending
	late     []step // after the response has begun

	// What it is at.
	calls     chan *call
	leave     context.CancelFunc // the client goes away
	running   bool               // since the last step of the history
	asleep    bool               // in the client's backoff, in a call that hangs, or waits for another visit
	resting   bool               // the first, as far as it is known
	conflicts bool               // its last commit has failed
	call      *call              // waits for what becomes of it
	done      bool

	// What happened to it.
	beginAt  time.Time
	finished int       // tick
	crashed  bool      // its process did
	lost     bool      // the client does not see the response
	faulty   bool      // some call was hit
	struck   []string  // by which faults
	started  time.Time // by the bubble's clock, that of time-outs
	solo     bool      // nothing else happened meanwhile
	sent     []*call
	cost     ops
	created  []string        // documents, by commits of its own
	deletes  []string        // likewise, while they were alive
	mayEnd   bool            // a commit that may have been for it, too, has deleted one whose values it has changed
	unsure   map[string]bool // documents that it may have created: no answer has told
	sure     map[string]bool // documents of which an answer has told it that they were stored
	loaded   *state          // what its last read found before the handler saw the session

	// What its handler has seen and done.
	passed   int // tick of its last gate
	ctx      context.Context
	looked   bool // at the session
	asked    int  // tick at which it asked for it; 0 if it has not
	askedAt  time.Time
	known    int  // tick of the latest version that its process knew by then to have stored
	over     bool // its process knew by then to have ended the session
	seenTick int
	sights   []sight // what else it has seen
	unread   bool    // it was destroyed unread
	isNew    bool
	seen     map[string]string
	seenAt   time.Time
	writes   []*write
	updates  []*addition
	ends     bool              // it has tried to end or renew the session
	saw      map[string]string // what an Update under way saw of the session that it ends; nil if there is none
	draining bool              // an Update that empties it is under way
	renewing string            // the session's ID, while it shows none because it is to be renewed
	empties  bool              // it has removed the last value that it knew of
	applied  int               // tick of the last commit of its own session that was
	dropped  bool              // the log or an error says that its changes are, since the session is gone

	response *http.Response
	begun    bool  // the handler has sent the response, and goes on
	begunAt  int   // tick
	err      error // of the handler
	unsaved  bool  // the log says that a session was not saved, or could not be read after the response had begun
}

type visitKey struct{}

func (v *visit) String() string {
	var s strings.Builder
	fmt.Fprintf(&s, "#%d", v.id)
	if v.browser >= 0 {
		fmt.Fprintf(&s, " of browser %d", v.browser)
	}
	fmt.Fprintf(&s, " with cookie %q:", v.key)
	if v.silent {
		s.WriteString(" (silently)")
	}
	for _, st := range v.steps {
		fmt.Fprintf(&s, " %s %s,", st.op, st.key)
	}
	fmt.Fprintf(&s, " %s", v.ending)
	for _, st := range v.late {
		fmt.Fprintf(&s, ", then %s %s", st.op, st.key)
	}
	return s.String()
}

// run is the visit, from the request to the end of the response.
func (v *visit) run(ctx context.Context) {
	defer close(v.calls)
	req := httptest.NewRequestWithContext(context.WithValue(ctx, visitKey{}, v), http.MethodPost, "/", http.NoBody)
	if v.cookie.value != "" {
		req.Header.Set("Cookie", firesession.DefaultCookieName+"="+v.cookie.value)
	}
	rec := httptest.NewRecorder()
	defer func() { v.response = rec.Result() }()
	defer func() {
		if p := recover(); p == errHandler { //nolint:errorlint // the very one
			rec.WriteHeader(http.StatusInternalServerError) // as an application does that recovers from panics
		} else if p != nil {
			panic(p)
		}
	}()
	v.process.handler.ServeHTTP(rec, req)
}
