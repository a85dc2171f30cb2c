package hosttest

import (
	"net/http"
	"testing"

	"github.com/echofirestore/echofirestore/firesession"
)

const allFeatures = AutoSave | Functions | Errors | Hooks | Flush | Duplex | Hijack | Panics | Hints

// A column is where rows are tried.
type column struct {
	host      string
	protocol  string
	features  Feature
	adds      []string
	serve     func(t testing.TB, app App) http.Handler
	errorBody func(status int) string
}

func (c column) name() string { return c.host + ", " + c.protocol }

// suits reports whether a row applies.
func (c column) suits(r row) bool { return c.features.has(r.needs) && c.features&r.lacks == 0 }

// columns are those of hosts.
func columns(hosts []Host) []column {
	var all []column
	for _, h := range hosts {
		for _, protocol := range []string{http11, http2} {
			c := column{host: h.Name, protocol: protocol, features: allFeatures &^ h.Lacks, serve: h.Serve, errorBody: h.ErrorBody}
			if protocol == http2 {
				c.features &^= Hijack
			}
			all = append(all, c)
		}
	}
	return all
}

// Run holds hosts against all rows, over HTTP/1.1 and HTTP/2. With -v, it prints the table of what it expected and saw.
func Run(t *testing.T, hosts ...Host) {
	t.Helper()
	all := columns(hosts)
	results := newTable(all)
	t.Cleanup(func() { t.Logf("\n%s", results) })
	for _, c := range all {
		t.Run(c.host+"/"+c.protocol, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, c.protocol)
			for _, g := range groups {
				for _, r := range g.rows {
					if !c.suits(r) {
						continue
					}
					t.Run(g.name+"/"+r.name, func(t *testing.T) {
						results.add(g, r, c, newTrial(t, s, c, r).run())
					})
				}
			}
		})
	}
}

// cookieName is that of the session.
func (tr *trial) cookieName() string {
	return App{Stores: []firesession.Config{tr.config}}.cookieName()
}
