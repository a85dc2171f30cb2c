// Package cache keeps the documents that a store has read or written, for a short time and in bounded memory.
package cache
