package hosttest

import (
	"cmp"
	"context"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strconv"
	"strings"
	"time"
)

// patience is how long a client waits for a response.
const patience = 10 * time.Second

// A visit is a request that is under way.
type visit struct {
	begun chan struct{} // closed when the client has seen the beginning of the response
	done  chan struct{} // closed when the handlers have returned
}

func newVisit() *visit {
	return &visit{begun: make(chan struct{}), done: make(chan struct{})}
}

type visitKey struct{}

// await waits until the client has seen the beginning of the response.
func await(r *http.Request) {
	select {
	case <-r.Context().Value(visitKey{}).(*visit).begun:
	case <-r.Context().Done():
	}
}

// request sends the request of a step and returns what the browser sees.
func (tr *trial) request(st step) *outcome {
	o := &outcome{tr: tr}
	ctx, cancel := context.WithTimeout(tr.Context(), patience)
	defer cancel()
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
			hint := strconv.Itoa(code)
			if h["Set-Cookie"] != nil {
				hint += " with a cookie"
			}
			o.hints = append(o.hints, hint)
			return nil
		},
	})
	req, err := http.NewRequestWithContext(ctx, cmp.Or(st.method, http.MethodPost), tr.web.URL, http.NoBody)
	if err != nil {
		tr.Fatal(err)
	}
	client := http.Client{
		Transport:     tr.web.Client().Transport,
		Jar:           tr.jar,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	req.Header.Set("Origin", "https://example.com")
	if tr.row.needs.has(Hijack) {
		req.Header.Set("Connection", "Upgrade")
		req.Header.Set("Upgrade", "echo")
	}
	if st.cookie != "" {
		client.Jar = nil
		req.Header.Set("Cookie", strings.NewReplacer("KEY", tr.key, "OLD", tr.old).Replace(st.cookie))
	}
	v := newVisit()
	tr.visit.Store(v)
	resp, err := client.Do(req)
	close(v.begun)
	if err != nil {
		o.err = err
		<-v.done
		return o
	}
	defer resp.Body.Close()
	var body string
	if conn, ok := resp.Body.(io.ReadWriter); ok && resp.StatusCode == http.StatusSwitchingProtocols {
		body, err = converse(conn)
		resp.Body.Close()
	} else {
		var b []byte
		b, err = io.ReadAll(resp.Body)
		body = string(b)
	}
	<-v.done
	tr.keep(resp.Cookies())
	o.resp, o.body, o.err = resp, body, err
	return o
}

// converse exchanges a message over an upgraded connection.
func converse(conn io.ReadWriter) (string, error) {
	if _, err := io.WriteString(conn, "hello\n"); err != nil {
		return "", err
	}
	b, err := io.ReadAll(conn)
	return string(b), err
}
