package hosttest

import (
	"flag"
	"net/http"
	"path"
	"slices"
	"testing"

	"github.com/echofirestore/echofirestore/firesession"
	"github.com/echofirestore/echofirestore/internal/emulator"
)

const allFeatures = AutoSave | Functions | Errors | Hooks | Flush | Duplex | Hijack | Upgrade | Aborts | Panics | Hints

// A column is where rows are tried: a host, over a protocol, with something around the sessions or nothing.
type column struct {
	host      string
	around    string // "" for nothing
	protocol  string
	features  Feature
	adds      []string
	serve     func(t testing.TB, app App) http.Handler
	errorBody func(status int) string
}

func (c column) name() string { return c.host + ", " + c.protocol }

// suits reports whether a row applies.
func (c column) suits(r row) bool { return c.features.has(r.needs) && c.features&r.lacks == 0 }

// columns returns those of a host with nothing around its sessions, and those of its surroundings.
func columns(h Host) (bare, surrounded []column) {
	for _, protocol := range []string{http11, http2} {
		c := column{host: h.Name, protocol: protocol, features: allFeatures &^ h.Lacks, serve: h.Serve, errorBody: h.ErrorBody}
		if protocol == http2 {
			c.features &^= Hijack
		}
		bare = append(bare, c)
		for _, around := range h.Surroundings {
			if around.Remote && protocol == http2 {
				continue
			}
			within := c
			within.around, within.serve, within.adds = around.Name, around.Serve, around.Adds
			within.features &^= around.Lacks
			if around.ErrorBody != nil {
				within.errorBody = around.ErrorBody
			}
			surrounded = append(surrounded, within)
		}
	}
	return bare, surrounded
}

// Run holds hosts against all rows, over HTTP/1.1 and HTTP/2, and in their surroundings against those that matter most. With
// -v, it prints what it expected and saw.
func Run(t *testing.T, hosts ...Host) {
	t.Helper()
	results := new(table)
	t.Cleanup(func() { t.Logf("\n%s", results) })
	for _, h := range hosts {
		bare, surrounded := columns(h)
		results.addColumns(bare, surrounded)
		for _, c := range slices.Concat(bare, surrounded) {
			t.Run(path.Join(c.host, c.around, c.protocol), func(t *testing.T) {
				t.Parallel()
				if c.around != "" {
					emulator.Avoid(t, "surroundings are about responses, for which Firestore in memory will do")
				}
				c.run(t, results)
			})
		}
	}
}

// all has every row that matters tried over each protocol in all surroundings, and not over either in turn.
var all = flag.Bool("surroundings", false, "try rows in all surroundings over each protocol")

func (c column) run(t *testing.T, results *table) {
	t.Helper()
	s := newStage(t, c.protocol)
	for _, g := range groups {
		if c.around != "" && !g.essential {
			continue
		}
		for i, r := range g.rows {
			if !c.suits(r) || c.around != "" && !*all && c.leavesOut(r, i) {
				continue
			}
			t.Run(g.name+"/"+r.name, func(t *testing.T) {
				results.add(g, r, c, newTrial(t, s, c, r).run())
			})
		}
	}
}

// leavesOut reports whether the i-th row of a group is tried over the other protocol.
func (c column) leavesOut(r row, i int) bool {
	if r.needs.has(Hijack) || r.lacks.has(Hijack) {
		return false
	}
	return (i+len(c.around))%2 == 0 != (c.protocol == http2)
}

// cookieName is that of the session.
func (tr *trial) cookieName() string {
	return App{Stores: []firesession.Config{tr.config}}.cookieName()
}
