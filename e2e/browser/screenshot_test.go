package browser

import (
	"flag"
	"os"
	"path/filepath"

	"github.com/chromedp/chromedp"
)

var screenshots = flag.String("screenshots", "", "`directory` for a picture of each page")

// photograph writes a picture of the whole page, if pictures are asked for.
func (p *profile) photograph(name string) {
	p.t.Helper()
	if *screenshots == "" {
		return
	}
	const lossless = 100
	picture := run(p, chromedp.FullScreenshot(lossless))
	requireNoError(p.t, os.MkdirAll(*screenshots, 0o755))
	requireNoError(p.t, os.WriteFile(filepath.Join(*screenshots, name+".png"), picture, 0o644))
}
