package main

import (
	"time"

	"github.com/gorilla/sessions"
)

// trial is how long a session lives whose cookie has never come back. Crawlers, health checks and programs that keep no
// cookies would otherwise leave a document for each page that they get, until the session's lifetime is over.
const trial = time.Hour

// tryOut makes a new session one on trial. The first page already counts, so that the next one can go on.
func tryOut(sess *sessions.Session) { sess.Options.MaxAge = int(trial.Seconds()) }

// admit ends the trial of a session whose cookie has come back: it now lives until its browser is closed.
func admit(sess *sessions.Session) {
	if sess.Options.MaxAge == int(trial.Seconds()) {
		sess.Options.MaxAge = 0
	}
}
