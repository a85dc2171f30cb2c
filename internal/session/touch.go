package session

import (
	"context"
)

// touch pushes the expiry of a session that was used but not changed. If that fails, no change is lost, and the next request
// tries again. A session that others have saved meanwhile is extended already, and one that they have ended stays ended.
func (c *commit) touch(ctx context.Context) error {
	cred, err := c.credential(c.rec.name, c.rec.key)
	if err != nil {
		return err
	}
	doc := c.layout.Extend(c.rec.doc, c.cfg.Now())
	err = c.firestore.update(ctx, "extend session", c.rec.doc, doc, doc.Extension())
	if movedOn(err) {
		c.did = doNothing
		return nil
	}
	if err == nil {
		c.turns.learn(doc)
		c.saved(cred, doc, c.rec.values)
	}
	return err
}
