// Package tracing looks at the spans that the Firestore client makes of what echofirestore has it do.
package tracing
