package main

import (
	"fmt"
	"io"
	"os"
	"time"
)

// progressEvery is the time between two progress lines.
const progressEvery = 200 * time.Millisecond

// A progress shows how far a call is: on a terminal in one line that changes, elsewhere in a line each time.
type progress struct {
	w        io.Writer
	terminal bool
	what     string // such as "deleted"
	start    time.Time
	shown    time.Time
}

// newProgress returns the progress of the call, which counts what.
func (c *call) newProgress(what string) *progress {
	p := &progress{w: c.stderr, terminal: c.terminal, what: what, start: time.Now()}
	if !c.progress {
		p.w = io.Discard
	}
	return p
}

// show says that there are n so far.
func (p *progress) show(n int) {
	now := time.Now()
	if !p.shown.IsZero() && now.Sub(p.shown) < progressEvery {
		return
	}
	p.shown = now
	line := fmt.Sprintf("%s %d", p.what, n)
	if took := now.Sub(p.start); took > time.Second {
		line += fmt.Sprintf(", %.0f per second", float64(n)/took.Seconds())
	}
	if p.terminal {
		fmt.Fprintf(p.w, "\r%s\x1b[K", line)
	} else {
		fmt.Fprintln(p.w, line)
	}
}

// clear removes the line from a terminal.
func (p *progress) clear() {
	if p.terminal && !p.shown.IsZero() {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}

func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
