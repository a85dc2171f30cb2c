// Package browser goes through the demo in ../../example with a real browser, as its users do. The demo runs as a program of its
// own; cookies, history, sites and colours are Chromium's business.
//
// The tests need Chromium or Google Chrome: the one that the environment variable CHROMIUM names, or else the first on the path.
// They make it look for every host on this machine, so they need no network.
//
//	go test -v .                            # prints what was expected and what was seen
//	go test -run Appearance . -screenshots DIRECTORY
package browser
