// Package session is the core of package firesession and of the adapters for frameworks. It does not depend on them.
//
// An [Exchange] is a request with its response and its sessions. Its [Host] is the framework that serves it. A [Store] loads
// a session, gives it to the handler, and keeps a record of what is stored. When the response begins, the Store compares the
// session with the record and commits the difference.
//
//	cookie → key → document → payload → session → handler → difference → one commit → Set-Cookie
package session
