// Package credential makes session keys, and converts them to the values of cookies and the IDs of documents.
package credential
