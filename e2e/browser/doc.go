// Package browser walks through the demo in ../../example with a real browser, as its users would. Its tests build the demo
// and run it as a program of its own; cookies, history, sites and colours are then Chromium's business.
//
// They need Chromium or Google Chrome: the one that the environment variable CHROMIUM names, or else the first on the path.
//
//	go test -v ./...                        # prints what was expected and what was seen
//	go test -run Appearance -screenshots .  # also writes a picture of each page
//
// The browser is told to look for every host on this machine, so no test depends on a network.
package browser
