package session

import (
	"context"
	"time"

	"cloud.google.com/go/firestore"

	"github.com/echofirestore/echofirestore/internal/document"
)

// A successor is the document that follows a version, and what stores it in its place.
type successor struct {
	of      *document.Document
	doc     *document.Document // nil if there is none
	updates []firestore.Update // nil if the session is empty, and its document is to be deleted
}

// share saves the changed session in its turn: alone, or together with others that have waited for the same turn. If the
// session is over, it returns false.
func (c *commit) share(ctx context.Context) (done bool, err error) {
	c.own, err = c.complete(c.rec.doc, c.next, !c.change.Empty())
	if err != nil {
		return false, rejected(err)
	}
	id, m := c.rec.doc.ID, &member{commit: c}
	if err := c.turns.take(ctx, id, m); err != nil {
		return false, err
	}
	if !m.outcome.done {
		c.commitFor(ctx, id, m)
	}
	c.merged = m.outcome.merged
	switch out := m.outcome; {
	case out.err != nil:
		return false, out.err
	case out.erased:
		c.erased()
		return true, nil
	case out.over:
		c.rec.vanish()
		return true, nil
	case out.doc == nil:
		return false, nil
	default:
		return true, c.shared(out.doc)
	}
}

// saveAlone saves a session that is to be renewed, and shares the turn with no others. They find its document deleted. If
// another version is stored than the store knows of, it returns false and that.
func (c *commit) saveAlone(ctx context.Context) (found *document.Document, done bool, err error) {
	id, m := c.rec.doc.ID, &member{commit: c, alone: true}
	if err := c.turns.take(ctx, id, m); err != nil {
		return nil, false, err
	}
	defer c.turns.pass(id, m)
	// Others may have saved the session while this waited. If it gave the turn up for that, a session that they keep changing
	// could not be renewed.
	c.compare()
	if do, _ := plan(c.situation()); do != doRenew && do != doErase {
		return c.rec.doc, false, nil // there is another plan, or an error
	}
	if !c.hasEmptied() {
		found, done, err = c.replace(ctx)
	} else if found, done, err = c.deleteVersion(ctx, c.rec, c.rec.doc); done {
		c.erased()
	} else if err == nil && found == nil {
		c.rec.vanish()
		done = true
	}
	if done || err != nil {
		c.turns.forget(id)
	}
	return found, done, err
}

// erased notes that the request has emptied the session, whose document is deleted. The values that the handler has left in
// the session do not count as a change, even if others have removed some.
func (c *commit) erased() {
	c.rec.ended(c.sess, c.change.ApplyTo(c.rec.values), expiredCookie(c.rec.name, c.sess.Options))
}

// shared notes that the session is stored in doc, together with what others have changed.
func (c *commit) shared(doc *document.Document) error {
	cred, err := c.credential(c.rec.name, c.rec.key)
	if err != nil {
		return err
	}
	values := c.change.ApplyTo(c.rec.values)
	if len(values) == 0 && len(doc.Values) > 0 && c.cfg.CacheFor == 0 && c.rec.version.IsZero() {
		// This request emptied the session, but others have stored values in it: they set the cookie. With a cache, here or
		// where the client has its cookie from, that must not go on to name an earlier version.
		c.rec.saved(c.sess, cred, doc, values, c.rec.pendingCookie())
		return nil
	}
	c.saved(cred, doc, values)
	return nil
}

// commitFor commits for the group of m, which holds the turn, gives all of it their outcome, and passes the turn on. If a
// callback panics, the others wait again.
func (c *commit) commitFor(ctx context.Context, id string, m *member) {
	defer c.turns.pass(id, m)
	out := c.commitGroup(ctx, m)
	if out.doc != nil {
		c.turns.learn(out.doc)
	} else {
		c.turns.forget(id)
	}
	var together []*member
	for _, each := range m.group {
		if !each.outcome.done {
			together = append(together, each)
		}
	}
	for _, each := range together {
		each.outcome = out
		each.outcome.merged = len(together) > 1 || out.of != nil && !out.of.Version.Equal(each.base.Version)
		c.op.Link(each.op)
	}
}

// commitGroup stores the changes of a group, in order of arrival, by one commit. Members whose changes do not fit get their
// outcome here.
func (c *commit) commitGroup(ctx context.Context, m *member) outcome {
	prev := c.latest(m.group)
	interfered := false
	for attempt := range maxSaves {
		start := time.Now()
		if prev.ExpiredAt(c.cfg.Now()) { // unless another request has extended it
			found, err := c.reread(ctx, c.rec)
			if err != nil || found == nil {
				return outcome{done: true, err: err}
			}
			prev = found
		}
		next := c.fit(prev, m.group)
		if next.doc == nil {
			return outcome{done: true, doc: prev}
		}
		found, done, err := c.succeed(ctx, next)
		switch {
		case err != nil && interfered:
			return outcome{done: true, err: inConflict(ctx, err)}
		case err != nil:
			return outcome{done: true, err: err}
		case done || found == nil:
			erases := next.updates == nil
			return outcome{done: true, of: prev, doc: found, erased: done && erases, over: !done && erases}
		}
		prev, interfered = found, true
		if !pause(ctx, attempt, time.Since(start)) {
			break
		}
	}
	return outcome{done: true, err: conflict()}
}

// latest returns the latest version that the members of a group know, or the store.
func (c *commit) latest(group []*member) *document.Document {
	latest := c.turns.latest(c.rec.doc)
	for _, each := range group {
		if each.rec.doc.Version.After(latest.Version) {
			latest = each.rec.doc
		}
	}
	return latest
}

// fit returns the successor of prev with the changes of a group. If they are too much for one document, those that do not
// fit on top of those before them get their outcome, and are left out.
func (c *commit) fit(prev *document.Document, group []*member) successor {
	var waiting []*commit
	for _, m := range group {
		if !m.outcome.done {
			waiting = append(waiting, m.commit)
		}
	}
	next, err := c.successor(prev, waiting)
	if err == nil {
		return next
	}
	var fitting []*commit
	next = successor{}
	for _, m := range group {
		if m.outcome.done {
			continue
		}
		with, err := c.successor(prev, append(fitting, m.commit))
		if err != nil {
			m.outcome = outcome{done: true, err: rejected(err)}
			continue
		}
		fitting, next = append(fitting, m.commit), with
	}
	return next
}

// successor returns what follows prev with some changes, in their order.
func (s *Store) successor(prev *document.Document, changes []*commit) (successor, error) {
	if len(changes) == 0 {
		return successor{}, nil
	}
	if c := changes[0]; len(changes) == 1 && c.own.of == prev {
		return c.own, nil
	}
	values, maxAge, changed := prev.Values, prev.MaxAge, false
	for _, c := range changes {
		values = c.change.ApplyTo(values)
		changed = changed || !c.change.Empty()
		if c.sess.Options.MaxAge != c.rec.maxAge {
			maxAge = c.sess.Options.MaxAge
		}
	}
	doc, err := s.layout.Next(prev, values, maxAge, s.cfg.Now())
	if err != nil {
		return successor{}, err
	}
	return s.complete(prev, doc, changed)
}

// complete returns the successor of prev in which doc follows it.
func (s *Store) complete(prev, doc *document.Document, changed bool) (next successor, err error) {
	next = successor{of: prev, doc: doc}
	if changed && len(doc.Values) == 0 {
		return next, nil
	}
	next.updates, err = s.layout.Replace(prev, doc, prev.ID, s.writes.keep(prev.Writes), "")
	return next, err
}

// succeed stores a successor in the place of the version before it. It returns what is stored then, nil if nothing is, and
// whether that is the successor.
func (c *commit) succeed(ctx context.Context, next successor) (found *document.Document, done bool, err error) {
	if next.updates == nil {
		return c.deleteVersion(ctx, c.rec, next.of)
	}
	return c.replaceVersion(ctx, c.rec, next.of, next.doc, next.updates)
}
