package main

import "strings"

const unknownBrowser = "Unknown browser"

// A token in a User-Agent header gives away what sends it.
type token struct{ text, name string }

// Nearly every browser claims to be another one as well. So the first that is found counts: those that are taken for
// others stand before them.
var (
	browsers = []token{
		{"Edg/", "Edge"},
		{"EdgA/", "Edge"},
		{"EdgiOS/", "Edge"},
		{"OPR/", "Opera"},
		{"SamsungBrowser/", "Samsung Internet"},
		{"FxiOS/", "Firefox"},
		{"Firefox/", "Firefox"},
		{"CriOS/", "Chrome"},
		{"Chrome/", "Chrome"},
		{"Safari/", "Safari"},
	}
	systems = []token{
		{"iPhone", "iPhone"},
		{"iPad", "iPad"},
		{"Android", "Android"},
		{"CrOS", "ChromeOS"},
		{"Windows", "Windows"},
		{"Macintosh", "Mac"}, // also an iPad, which asks for sites made for big screens in this way
		{"Linux", "Linux"},
	}
)

// deviceOf describes what sends a User-Agent header, such as "Firefox on Linux". It is for people to tell their devices
// apart, and for nothing else: the header says what its sender likes, and the description none of that but the names
// above.
func deviceOf(userAgent string) string {
	device := unknownBrowser
	if browser, ok := find(browsers, userAgent); ok {
		device = browser
	}
	if system, ok := find(systems, userAgent); ok {
		device += " on " + system
	}
	return device
}

func find(tokens []token, userAgent string) (name string, ok bool) {
	for _, token := range tokens {
		if strings.Contains(userAgent, token.text) {
			return token.name, true
		}
	}
	return "", false
}
