package hosttest

import (
	"bufio"
	"fmt"
	"net/http"
)

// hijacks are handlers that take over the connection, as libraries for WebSockets do.
var hijacks = []row{
	{name: "upgraded by a status, then hijacked", needs: AutoSave | Hijack | Upgrade, stored: `{"n":0}`, steps: []step{
		{use: setOne, respond: upgradeByStatus, want: `101 echo hello; issued; Upgrade: echo; 1 read, 1 write; {"n":1}`},
	}},
	{name: "hijacked, with the headers that were saved before", needs: Hijack, stored: `{"n":0}`, steps: []step{
		{use: inOrder(setOne, save), respond: upgradeByHand, want: `101 echo hello; issued; Upgrade: echo; 1 read, 1 write; {"n":1}`},
	}},
	{name: "hijacked, a new session", needs: AutoSave | Hijack, steps: []step{
		{use: setOne, respond: upgradeByHand, want: `101 echo hello; issued; Upgrade: echo; 1 write; {"n":1}`},
	}},
	{name: "hijacked, and not touched", needs: Hijack, stored: `{"n":0}`, steps: []step{
		{use: nothing, respond: upgradeByHand, want: "101 echo hello; Upgrade: echo"},
	}},
	{name: "changed after the connection was hijacked", needs: AutoSave | Hijack, stored: `{"n":0}`, steps: []step{
		{use: readN, respond: upgradeByHand, late: setOne, want: `101 echo hello; varies; Upgrade: echo; 1 read, 1 write; {"n":1}`},
	}},
	{name: "not upgraded if the session cannot be saved", needs: AutoSave | Hijack, stored: `{"n":0}`, steps: []step{
		{fails: "save", use: setOne, respond: upgradeByStatus, want: notSaved},
	}},
	{name: "not hijacked if the session cannot be saved, and nothing is written", needs: AutoSave | Hijack, stored: `{"n":0}`, steps: []step{
		{fails: "save", use: setOne, respond: hijackOr(func(http.ResponseWriter, error) error { return nil }), want: notSaved},
	}},
	{name: "not hijacked if the session cannot be saved, and the handler answers", needs: AutoSave | Hijack, stored: `{"n":0}`, steps: []step{
		{fails: "save", use: setOne, respond: hijackOr(func(w http.ResponseWriter, _ error) error {
			http.Error(w, "handler's", http.StatusInternalServerError)
			return nil
		}), want: notSaved},
	}},
	{name: "not hijacked if the session cannot be saved, and the error is returned", needs: AutoSave | Hijack | Errors, stored: `{"n":0}`, steps: []step{
		{fails: "save", use: setOne, respond: hijackOr(func(_ http.ResponseWriter, err error) error { return err }), want: notSaved},
		{fails: "save", use: setOne, respond: hijackOr(func(http.ResponseWriter, error) error { return StatusError(http.StatusBadRequest) }), want: notSaved},
	}},
	{name: "not hijacked if the session cannot be saved, and the handler aborts", needs: AutoSave | Hijack, stored: `{"n":0}`, steps: []step{
		{fails: "save", use: setOne, respond: hijackOr(func(http.ResponseWriter, error) error { panic(http.ErrAbortHandler) }), want: notSaved},
	}},
	{name: "where there is no Hijack, the handler answers", needs: AutoSave, lacks: Hijack, stored: `{"n":0}`, steps: []step{
		{use: setOne, respond: hijackOr(func(w http.ResponseWriter, _ error) error {
			http.Error(w, "handler's", http.StatusUpgradeRequired)
			return nil
		}), want: `426 handler's; issued; 1 read, 1 write; {"n":1}`},
	}},
}

// upgradeByStatus sends the headers by WriteHeader, as coder/websocket does, and then has the connection.
func upgradeByStatus(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Connection", "Upgrade")
	w.Header().Set("Upgrade", "echo")
	w.WriteHeader(http.StatusSwitchingProtocols)
	return echoLine(w, false)
}

// upgradeByHand writes the headers to the connection, as gorilla/websocket does.
func upgradeByHand(w http.ResponseWriter, _ *http.Request) error { return echoLine(w, true) }

// echoLine takes over the connection and sends a line back.
func echoLine(w http.ResponseWriter, writeHead bool) error {
	conn, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return nil // the client has the error response
	}
	defer conn.Close()
	if writeHead {
		head := w.Header().Clone()
		head.Set("Connection", "Upgrade")
		head.Set("Upgrade", "echo")
		say(rw, "HTTP/1.1 101 Switching Protocols\r\n")
		_ = head.Write(rw)
		say(rw, "\r\n")
		_ = rw.Flush()
	}
	line, err := bufio.NewReader(rw).ReadString('\n')
	if err != nil {
		return err
	}
	fmt.Fprint(rw, "echo ", line)
	return rw.Flush()
}

// hijackOr takes over the connection, or answers the error.
func hijackOr(answer func(http.ResponseWriter, error) error) respond {
	return func(w http.ResponseWriter, _ *http.Request) error {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			return conn.Close()
		}
		return answer(w, err)
	}
}
