package browser

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
)

// A profile is a browser with a directory of its own: what one person has on one device. It shows one page.
type profile struct {
	t   *testing.T
	dir string
	ctx context.Context // of the page, while the browser runs
}

// preferences allow cookies that cross sites, which not every build of Chromium does by itself. So what keeps the demo's
// cookie from other sites is the cookie, whatever browser its users have.
const preferences = `{"profile": {"cookie_controls_mode": 0}}`

// newProfile starts a browser that was never used. It is stopped when the test ends.
func newProfile(t *testing.T) *profile {
	t.Helper()
	p := &profile{t: t, dir: t.TempDir()}
	requireNoError(t, os.Mkdir(filepath.Join(p.dir, "Default"), 0o700))
	requireNoError(t, os.WriteFile(filepath.Join(p.dir, "Default", "Preferences"), []byte(preferences), 0o600))
	p.start()
	t.Cleanup(p.stop)
	return p
}

// restart closes the browser as a person would, and starts it again.
func (p *profile) restart() {
	p.t.Helper()
	p.stop()
	p.start()
}

func (p *profile) start() {
	p.t.Helper()
	flags := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(chromiumPath),
		chromedp.UserDataDir(p.dir),
		chromedp.Flag("host-resolver-rules", "MAP * 127.0.0.1"),
		chromedp.Flag("ignore-certificate-errors-spki-list", trustedKey()),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-gpu", true),
	)
	// Not of the test's context: that ends before the browser is closed, and would kill it.
	ctx, _ := chromedp.NewExecAllocator(context.Background(), flags...)
	p.ctx, _ = chromedp.NewContext(ctx)
	requireNoError(p.t, chromedp.Do(p.ctx)) // the browser lives as long as the context of its first action
}

// stop waits until the browser has ended, for it keeps cookies in memory and writes them when it is closed.
func (p *profile) stop() {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	requireNoError(p.t, chromedp.Cancel(ctx))
}

// run lets the browser do something.
func run[T any](p *profile, action chromedp.Action[T]) T {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	result, err := chromedp.Run(ctx, action)
	requireNoError(p.t, err)
	return result
}
