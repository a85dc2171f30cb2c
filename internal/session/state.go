package session

import "slices"

// A state is what is known about a session:
//
//	from         to           when
//	unread       stored       a document of the client's keys holds a living session
//	unread       absent       none does, or the client has no key
//	unread       unreadable   Firestore did not answer
//	absent       stored       the session was saved for the first time
//	stored       absent       the handler has ended or emptied it
//	stored       vanished       a save has found that another request has ended it
//	vanished     dropped      that save had a change to store
//	any          absent       the handler has ended it
//	any          ending       the handler has ended it, but Firestore did not answer for one of its documents
//	ending       absent       another try has ended it
//
// A session that is malformed or expired is absent.
type state int

const (
	absent     state = iota // nothing is stored
	unread                  // nobody has looked for the documents of the client's keys, if it has any
	unreadable              // the document could not be read
	stored                  // there is a document
	ending                  // the handler has ended the session, and the next commit tries again to delete its document
	vanished                // another request has ended the session
	dropped                 // so has it, and the handler or the log knows that a change was dropped
)

// in reports whether s is one of some states.
func (s state) in(states ...state) bool {
	return slices.Contains(states, s)
}

// A keyState says who knows the key of a session.
type keyState int

const (
	sent     keyState = iota // the client has sent it
	renewing                 // likewise, and the next save takes another one
	issued                   // it was made for this response
)
