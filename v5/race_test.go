//go:build race

package echofirestore_test

const raceDetector = true
