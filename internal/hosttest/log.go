package hosttest

import (
	"bytes"
	"strings"
	"sync"
)

// A logBuffer keeps what a store logs.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

// take returns the levels and messages that were logged since the last take.
func (b *logBuffer) take() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var messages []string
	for line := range strings.Lines(b.buf.String()) {
		_, line, _ = strings.Cut(line, "level=")
		level, line, _ := strings.Cut(line, " msg=")
		message := line
		if quoted, ok := strings.CutPrefix(line, `"`); ok {
			message, _, _ = strings.Cut(quoted, `"`)
		}
		messages = append(messages, level+" "+message)
	}
	b.buf.Reset()
	return messages
}
