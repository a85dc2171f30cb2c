package browser

import (
	"html/template"
	"net/http"
	"testing"
)

// TestCrossSite signs in to the demo, and then visits a site that tries to make use of that.
func TestCrossSite(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, scheme, host, otherHost string }{
		{"https", "https", "shop.example", "evil.example"},
		{"http on localhost", "http", "localhost", "127.0.0.1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d, p, tab := startDemo(t), newProfile(t), newTable(t)
			f := startFront(t, d, tt.scheme)
			shop := f.url(tt.host)
			evil := tt.scheme + "://" + tt.otherHost + ":" + startSite(t, tt.scheme, evilSite(shop))

			p.open(shop)
			p.fill("note", "buy milk")
			p.press("Save note")
			p.signIn("Ada")
			before := p.sessionCookie()
			// It goes wherever a cookie can go. So where it came alone, the session's was held back.
			ask[any](p, `document.cookie = "control=yes; SameSite=None; Secure; path=/"`)

			f.forget()
			p.open(evil)
			tab.expect("an image", "GET /image with control", f.received())
			p.open(evil + "/frame")
			tab.expect("a frame", "GET /frame with control", f.received())
			ask[any](p, `fetch("`+shop+`/script", {mode: "no-cors", credentials: "include"}).then(() => true)`)
			tab.expect("a script", "GET /script with control", f.received())
			for _, action := range forgedForms {
				p.open(evil + "/form?action=" + action)
				status := p.press("Win")
				tab.expect("a form", "POST "+action+" with control", f.received())
				tab.expect("its answer", http.StatusForbidden, status)
			}
			tab.expect("the key is another one after all that", false, p.sessionCookie().Value != before.Value)

			p.open(evil + "/link")
			p.follow("Win")
			tab.expect("a link", "GET / with __session, control", f.received())
			tab.expect("its page", "Hello, Ada. | 4 times", p.glance())
			tab.expect("the note on it", "buy milk", p.note())
		})
	}
}

var forgedForms = []string{"/note", "/sign-in", "/sign-out", "/sessions/end-others"}

var evilPages = template.Must(template.New("").Parse(`<!DOCTYPE html>
<title>You can win</title>
{{if eq .Path "/"}}<img src="{{.Shop}}/image" alt="">
{{else if eq .Path "/frame"}}<iframe src="{{.Shop}}/frame"></iframe>
{{else if eq .Path "/link"}}<a href="{{.Shop}}/">Win</a>
{{else if eq .Path "/form"}}<form method="post" action="{{.Shop}}{{.Action}}">
<input name="note" value="buy ice cream">
<input name="name" value="Mallory">
<button>Win</button>
</form>
{{end}}`))

// evilSite returns a site whose pages send requests to another.
func evilSite(shop string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = evilPages.Execute(w, struct{ Shop, Path, Action string }{shop, r.URL.Path, r.FormValue("action")})
	})
}
