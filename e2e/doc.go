// Package e2e tries echofirestore with programs of others: what its tests need stays out of the library's go.mod.
package e2e
