// Package tracing looks at what echofirestore, and the Firestore client beneath it, export through OpenTelemetry. It has the
// tests, for any host to run.
package tracing
