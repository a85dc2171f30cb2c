// Package tink tries echofirestore with Tink, whose keysets encrypt the sessions' data.
package tink
