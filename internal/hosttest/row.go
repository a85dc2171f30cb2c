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
	config func(*firesession.Config)
	stored string // the values of the session that the browser has at first, in JSON; none if empty
	show   facts  // what the steps say beside the usual
	steps  []step
}

// A step is one request of a row.
type step struct {
	wait   time.Duration // passes before it
	before func(*trial)  // happens before it
	fails  string        // what Firestore refuses meanwhile: load, save or nothing

	method  string   // POST if empty, which no client sends again
	cookie  string   // sent in place of what the browser has; KEY stands for the last key that it was given
	headers []string // "Name: value"

	use     use
	respond respond // 200 with what use has returned, if nil
	late    use     // after the response has begun

	// want is all that there is to see: the status and the body, headers, the cost, what is stored if it has changed, and what
	// was logged; see outcome.
	want string
}

// A use is what a handler does with its sessions, and what it shows.
type use func(s Sessions) (body string, err error)

// A respond is how a handler responds.
type respond func(w http.ResponseWriter, r *http.Request) error

// A group is rows about one thing.
type group struct {
	name string
	rows []row
}

// groups are all rows.
var groups = []group{
	{"costs", costs},
}
