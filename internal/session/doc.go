// Package session is the inside of package firesession, and of the adapters for frameworks: it knows none of them.
//
// An [Exchange] is a request with its response and its sessions. What serves it is its [Host]. A session is loaded by a
// [Store], which gives it to the handler together with a record of what is stored. Whatever the handler has made of it by
// the time the response begins, the Store compares with that record, and commits.
//
//	cookie → key → document → payload → session → handler → difference → one commit → Set-Cookie
package session
