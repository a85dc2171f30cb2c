package main

import "strings"

const unknownBrowser = "Unknown browser"

// A token in a User-Agent header shows which program or system sends it.
type token struct{ text, name string }

// Nearly every browser claims to be another one as well. The first token that is found counts, so browsers that claim to
// be another come before that other one.
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

// deviceOf describes the sender of a User-Agent header, such as "Firefox on Linux". It only helps people to tell their
// devices apart: the sender chooses the header, of which only the names above get into the description.
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
