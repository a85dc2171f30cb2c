package session

// An action is what a commit does next.
type action int

const (
	doNothing action = iota
	doCreate         // store a new document under a new key
	doReread         // read the document again, because the copy that the request has is over
	doConfirm        // likewise, because an Update has changed nothing, and that copy may be an old one
	doTouch          // change nothing but the document's expiry
	doReplace        // store changed values in the document
	doRenew          // store them under a new key, and delete the document
	doErase          // delete the version that was read, because the request has emptied it
	doEndSeen        // delete the version that was read, because an Update has ended the session
	doEnd            // delete the document, whatever others have made of it
)

// A situation is what a plan depends on.
type situation struct {
	state   state
	cause   error // of the state unreadable
	ended   bool  // the handler has ended the session, by a negative Options.MaxAge
	update  bool  // the commit is that of an Update
	sets    bool  // the request has set values
	changed bool  // it has set or removed values, or changed the max age, or is to renew the session
	emptied bool  // with that, no value is left
	invalid error // why the values cannot be stored

	renewing bool // the session is to get a new key
	sealed   bool // it is too late for a cookie
	expired  bool // the copy that the request has is over
	old      bool // it comes from the cache: another process may have stored a later version before the request
	due      bool // it is time to extend the session, even if it has not changed
}

// plan returns what a commit does next. With doNothing, the error is that of the commit.
func plan(s situation) (action, error) {
	switch {
	case s.state == ending:
		return doEnd, nil
	case s.ended && s.update && s.state.in(stored, vanished, dropped):
		return planEndOfUpdate(s)
	case s.ended:
		return doEnd, nil
	case s.state == unreadable:
		return doNothing, s.cause
	case s.invalid != nil:
		return doNothing, rejected(s.invalid)
	case s.state == stored:
		return planStored(s)
	case s.state.in(vanished, dropped):
		if !s.update && (!s.changed || s.emptied) {
			return doNothing, nil
		}
		return doNothing, gone()
	case !s.sets:
		return doNothing, nil
	case s.state == unread:
		return doNothing, conflict() // Get did not get the token, and returned an error
	case s.sealed:
		return doNothing, rejected(ErrCommitted)
	default:
		return doCreate, nil
	}
}

// planEndOfUpdate is plan for an Update that ends its session: it ends what it has seen, or nothing.
func planEndOfUpdate(s situation) (action, error) {
	switch {
	case s.state != stored:
		return doNothing, gone()
	case s.expired:
		return doReread, nil
	default:
		return doEndSeen, nil
	}
}

// planStored is plan for a session that has a document, and goes on.
func planStored(s situation) (action, error) {
	switch {
	case !s.changed && s.update && s.old:
		return doConfirm, nil
	case !s.changed && !s.due:
		return doNothing, nil
	case s.renewing && s.sealed:
		return doNothing, rejected(ErrCommitted)
	case s.expired:
		return doReread, nil
	case !s.changed:
		return doTouch, nil
	case s.emptied:
		return doErase, nil
	case s.renewing:
		return doRenew, nil
	default:
		return doReplace, nil
	}
}
