package hosttest

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/gorilla/sessions"
	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/echofirestore/echofirestore/firesession"
	"github.com/echofirestore/echofirestore/firestoretest"
)

// maxAge is that of all stores, in seconds.
const maxAge = 3600

// A trial is one row on one stage.
type trial struct {
	*testing.T
	*stage
	row    row
	column column
	config firesession.Config
	store  *firesession.Store // of another process
	web    *httptest.Server
	clock  *clock
	log    *logBuffer
	jar    http.CookieJar
	key    string   // the last that the browser was given
	old    string   // the session's ID before it was renewed
	state  string   // what is stored
	ids    []string // of the documents
	step   step     // that is under way
}

func newTrial(t *testing.T, s *stage, c column, r row) *trial {
	t.Helper()
	tr := &trial{T: t, stage: s, row: r, column: c, clock: newClock(), log: new(logBuffer)}
	if tr.web = s.web; r.plain {
		tr.web = s.plain()
	}
	tr.config = firesession.Config{
		Client:     s.client,
		Collection: fmt.Sprintf("row%d", s.rows.Add(1)),
		MaxAge:     maxAge,
		Logger:     slog.New(slog.NewTextHandler(tr.log, nil)),
		Now:        tr.clock.Now,
	}
	if r.config != nil {
		r.config(&tr.config)
	}
	var err error
	if tr.store, err = firesession.NewStore(tr.config); err != nil {
		t.Fatal(err)
	}
	if tr.jar, err = cookiejar.New(nil); err != nil {
		t.Fatal(err)
	}
	s.play(c.serve(t, App{Stores: tr.stores(), ErrorHandler: r.errorHandler, Handle: tr.handle, HandleError: r.answer}))
	if r.stored != "" {
		tr.begin(r.stored)
	}
	tr.state = tr.documents()
	return tr
}

// stores returns the Configs of the application's stores.
func (tr *trial) stores() []firesession.Config {
	if tr.row.outer == nil {
		return []firesession.Config{tr.config}
	}
	outer := tr.config
	tr.row.outer(&outer)
	return []firesession.Config{outer, tr.config}
}

// begin begins the session that the browser has.
func (tr *trial) begin(values string) {
	tr.Helper()
	stored, err := firesession.DecodeJSON(`{"created":1,"session":` + values + `}`)
	if err != nil {
		tr.Fatal(err)
	}
	w, r := httptest.NewRecorder(), httptest.NewRequestWithContext(tr.Context(), http.MethodGet, tr.web.URL, http.NoBody)
	sess, err := tr.store.New(r, cmp.Or(tr.config.CookieName, firesession.DefaultCookieName))
	if err != nil {
		tr.Fatal(err)
	}
	for key, value := range stored.Values {
		sess.Values[key] = value
	}
	if err := tr.store.Save(r, w, sess); err != nil {
		tr.Fatal(err)
	}
	tr.keep(w.Result().Cookies())
}

// keep gives the browser cookies.
func (tr *trial) keep(cookies []*http.Cookie) {
	address, err := url.Parse(tr.web.URL)
	if err != nil {
		tr.Fatal(err)
	}
	tr.jar.SetCookies(address, cookies)
	for _, cookie := range cookies {
		tr.key = cmp.Or(cookie.Value, tr.key)
	}
}

// run runs the steps, and returns what was seen.
func (tr *trial) run() []string {
	tr.Helper()
	var seen []string
	for i, st := range tr.row.steps {
		got := tr.visitOnce(st)
		if got != st.want {
			tr.Errorf("request %d:\nseen   %s\nwanted %s", i+1, got, st.want)
		}
		seen = append(seen, got)
	}
	return seen
}

// handle is the application.
func (tr *trial) handle(w http.ResponseWriter, r *http.Request, s Sessions) error {
	w.Header().Set(handlerHeader, "yes")
	st, c := tr.step, &call{Sessions: s, w: w, r: r, trial: tr}
	shown, err := st.use(c)
	if err != nil {
		return err
	}
	if !st.told && !tr.column.features.has(AutoSave) {
		if err := s.Save(); err != nil {
			return err
		}
	}
	if st.respond != nil {
		err = st.respond(w, r.WithContext(context.WithValue(r.Context(), visitKey{}, tr.visit.Load())))
	} else {
		_, err = io.WriteString(w, shown)
	}
	if err != nil || st.late == nil {
		return err
	}
	shown, err = st.late(c)
	say(w, ", then "+shown)
	return err
}

// elsewhere changes the session that the browser has, as another process does.
func (tr *trial) elsewhere(change func(*sessions.Session)) {
	w, r := httptest.NewRecorder(), httptest.NewRequestWithContext(tr.Context(), http.MethodGet, tr.web.URL, http.NoBody)
	r.AddCookie(&http.Cookie{Name: tr.cookieName(), Value: tr.key})
	sess, err := tr.store.New(r, tr.cookieName())
	if err != nil {
		tr.Error(err)
	}
	change(sess)
	if err := tr.store.Save(r, w, sess); err != nil {
		tr.Error(err)
	}
}

// meanwhile changes the session as another process does, while the handler has it.
func meanwhile(change func(*sessions.Session)) use {
	return func(c *call) (string, error) {
		c.trial.elsewhere(change)
		return "ok", nil
	}
}

// visitOnce makes the request of a step, and returns what is seen of it.
func (tr *trial) visitOnce(st step) string {
	tr.Helper()
	tr.clock.advance(st.wait)
	if st.before != nil {
		st.before(tr)
	}
	tr.step = st
	if st.fails != "" {
		defer tr.fail(st.fails)()
	}
	before := tr.firestore.Ops()
	o := tr.request(st)
	o.cost = tr.firestore.Ops().Sub(before)
	if state := tr.documents(); state != tr.state {
		tr.state = state
		o.state = cmp.Or(state, "nothing stored")
	}
	o.log = tr.log.take()
	return o.String()
}

// fail has Firestore refuse loads or saves until the returned function is called.
func (tr *trial) fail(what string) (undo func()) {
	f := firestoretest.Fault{Method: "Commit", Times: -1, Err: grpcstatus.Error(codes.PermissionDenied, "no")}
	if what == "load" {
		f.Method = "BatchGetDocuments"
	}
	return tr.firestore.Inject(f)
}
