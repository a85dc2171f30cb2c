package browser

import "testing"

func TestBrowserRestart(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name                   string
		signIn                 func(p *profile, name string)
		lasting, pageAfterward string
	}{
		{"signed in until the browser closes", (*profile).signIn, "until the browser closes", "Hello, stranger. | 1 time"},
		{"kept signed in", (*profile).signInToStay, "for 30 days", "Hello, Ada. | 3 times"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d, p, tab := startDemo(t), newProfile(t), newTable(t)
			p.open(d.url)
			tt.signIn(p, "Ada")
			expect(tab, "page", "You are signed in. | Hello, Ada. | 2 times", p.glance())
			expect(tab, "cookie", "localhost only, /, HttpOnly, SameSite=Lax, "+tt.lasting, describe(p.sessionCookie()))
			p.restart()
			p.open(d.url)
			expect(tab, "page after a restart of the browser", tt.pageAfterward, p.glance())
		})
	}
}
