package browser

import (
	"html/template"
	"net/http"
	"testing"
)

// TestOtherSites signs in to the demo, and then visits pages of others that try to make use of that.
func TestOtherSites(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, scheme, host, sibling, stranger string }{
		{"https", "https", "shop.example", "blog.shop.example", "evil.example"},
		{"http on localhost", "http", "localhost", "localhost", "127.0.0.1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d, p, tab := startDemo(t), newProfile(t), newTable(t)
			f := startFront(t, d, tt.scheme)
			shop := f.url(tt.host)
			port := startSite(t, tt.scheme, temptationsOf(shop))
			stranger, sibling := tt.scheme+"://"+tt.stranger+":"+port, tt.scheme+"://"+tt.sibling+":"+port

			p.open(shop)
			p.fill("note", "buy milk")
			p.press("Save note")
			p.signIn("Ada")
			key := p.key()
			// It goes wherever a cookie can go. Where it came alone, the session's was held back.
			ask[any](p, `document.cookie = "control=yes; SameSite=None; Secure; path=/"`)
			f.forget()

			p.open(stranger + "/image")
			expect(tab, "image", "GET / with control", f.received())
			p.open(stranger + "/frame")
			expect(tab, "frame", "GET / with control", f.received())
			ask[any](p, `fetch("`+shop+`/", {mode: "no-cors", credentials: "include"}).then(() => "done")`)
			expect(tab, "script", "GET / with control", f.received())
			for _, action := range []string{"/note", "/sign-in", "/sign-out", "/sessions/end-others", "/burst", "/late-save"} {
				p.open(stranger + "/form?to=" + action)
				status := p.press("Win")
				expect(tab, "form", "POST "+action+" with control", f.received())
				expect(tab, "its answer", http.StatusForbidden, status)
			}
			p.open(sibling + "/form?to=/note")
			status := p.press("Win")
			expect(tab, "form on another origin of the same site", "POST /note with __session, control", f.received())
			expect(tab, "its answer", http.StatusForbidden, status)

			p.open(stranger + "/link")
			p.follow("Win")
			expect(tab, "link", "GET / with __session, control", f.received())
			expect(tab, "its page", "Hello, Ada. | 4 times", p.glance())
			expect(tab, "the note on it", "buy milk", p.note())
			expect(tab, "the key was replaced", false, p.key() != key)
		})
	}
}

var temptations = template.Must(template.New("").Parse(`<!DOCTYPE html>
<title>You can win</title>
{{if eq .Path "/image"}}
<img src="{{.Shop}}/" alt="">
{{else if eq .Path "/frame"}}
<iframe src="{{.Shop}}/"></iframe>
{{else if eq .Path "/link"}}
<a href="{{.Shop}}/">Win</a>
{{else if eq .Path "/form"}}
<form method="post" action="{{.Shop}}{{.To}}">
  <input name="note" value="buy ice cream">
  <input name="name" value="Mallory">
  <button>Win</button>
</form>
{{end}}`))

// temptationsOf returns a site whose pages send requests to another.
func temptationsOf(shop string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = temptations.Execute(w, struct{ Shop, Path, To string }{shop, r.URL.Path, r.FormValue("to")})
	})
}
