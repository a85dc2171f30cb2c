package hosttest

import (
	"net/http"
	"time"

	"github.com/echofirestore/echofirestore/firesession"
)

// A row is a behaviour.
type row struct {
	name   string
	needs  Feature
	lacks  Feature // it is about hosts that lack these
	config func(*firesession.Config)
	outer  func(*firesession.Config) // of another store, whose middleware is outside
	stored string                    // the values of the session that the browser has at first, in JSON; none if empty
	plain  bool                      // without TLS
	show   facts                     // what the steps say beside the usual

	// errorHandler is the Config's, and answer the application's: see App.
	errorHandler func(w http.ResponseWriter, r *http.Request, s Sessions, err error)
	answer       func(w http.ResponseWriter, r *http.Request, s Sessions, err error) bool

	steps []step
}

// A step is one request of a row.
type step struct {
	wait   time.Duration // passes before it
	before func(*trial)  // happens before it
	fails  string        // what Firestore refuses meanwhile: load, save or nothing

	method string // POST if empty, which no client sends again
	cookie string // sent in place of what the browser has; KEY stands for the last key that it was given

	use     use
	respond respond // 200 with what use has shown, if nil
	late    use     // after the response has begun
	told    bool    // use saves the session itself if need be

	// want is all that there is to see: the status and the body, headers, the cost, what is stored if it has changed, and what
	// was logged; see outcome.
	want string
}

// A group is rows about one thing.
type group struct {
	name      string
	essential bool // they must hold in all surroundings
	rows      []row
}

// groups are all rows.
var groups = []group{
	{name: "costs", rows: costs},
	{name: "costs with a cache", rows: cachedCosts},
	{name: "lifecycle", rows: lifecycle},
	{name: "responses", essential: true, rows: responseRows()},
	{name: "not yet a response", essential: true, rows: beginnings()},
	{name: "errors", essential: true, rows: failures},
	{name: "rare errors", rows: rareFailures},
	{name: "streaming", essential: true, rows: streams},
	{name: "hijacking", essential: true, rows: hijacks},
	{name: "panics", essential: true, rows: panics},
	{name: "cookies", rows: cookieRows},
	{name: "cache headers", rows: cacheHeaders},
	{name: "several sessions", rows: several},
}
