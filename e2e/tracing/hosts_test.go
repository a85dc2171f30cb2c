package tracing

import "testing"

func TestHosts(t *testing.T) { Run(t, Hosts...) } //nolint:paralleltest // the Firestore client's tracer is the process's
