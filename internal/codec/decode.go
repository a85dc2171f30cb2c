package codec

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// A parser reads JSON into the types that DecodeJSON returns. It stands in for encoding/json, which would have to keep
// every number as text first to tell 3 from 3.0, and took longer than all else that this package does in a request that
// reads its session. What it accepts is what encoding/json accepts: a fuzz test compares them.
type parser struct {
	text string
	pos  int
	pins bool // strings that are parts of text keep a small one from being freed, which does not matter
}

// pinnable is the longest text, in bytes, that the strings in it may keep from being freed.
const pinnable = 4096

// maxNesting is that of encoding/json.
const maxNesting = 10000

func parseJSON(text string) (any, error) {
	if !utf8.ValidString(text) {
		return nil, errors.New("not valid UTF-8")
	}
	p := &parser{text: text, pins: len(text) <= pinnable}
	v, err := p.value(0)
	if err != nil {
		return nil, err
	}
	if p.skipSpace(); p.pos < len(text) {
		return nil, p.fail()
	}
	return v, nil
}

func (p *parser) value(depth int) (any, error) {
	p.skipSpace()
	switch c := p.peek(); {
	case c == '{' && depth < maxNesting:
		return p.object(depth)
	case c == '[' && depth < maxNesting:
		return p.array(depth)
	case c == '"':
		return p.string()
	case c == '-' || '0' <= c && c <= '9':
		return p.number()
	case p.skip("true"):
		return true, nil
	case p.skip("false"):
		return false, nil
	case p.skip("null"):
		return nil, nil
	default:
		return nil, p.fail()
	}
}

func (p *parser) object(depth int) (any, error) {
	p.pos++
	object := make(map[string]any)
	if p.skipSpace(); p.skip("}") {
		return object, nil
	}
	for {
		p.skipSpace()
		if p.peek() != '"' {
			return nil, p.fail()
		}
		key, err := p.string()
		if err != nil {
			return nil, err
		}
		if p.skipSpace(); !p.skip(":") {
			return nil, p.fail()
		}
		if object[key], err = p.value(depth + 1); err != nil {
			return nil, err
		}
		switch p.skipSpace(); {
		case p.skip("}"):
			return object, nil
		case !p.skip(","):
			return nil, p.fail()
		}
	}
}

func (p *parser) array(depth int) (any, error) {
	p.pos++
	array := []any{}
	if p.skipSpace(); p.skip("]") {
		return array, nil
	}
	for {
		v, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		array = append(array, v)
		switch p.skipSpace(); {
		case p.skip("]"):
			return array, nil
		case !p.skip(","):
			return nil, p.fail()
		}
	}
}

// string reads a string. One without escapes is a part of the text.
func (p *parser) string() (string, error) {
	p.pos++
	var unescaped []byte
	for start := p.pos; p.pos < len(p.text); {
		switch c := p.text[p.pos]; {
		case c == '"':
			part := p.text[start:p.pos]
			p.pos++
			if unescaped == nil && p.pins {
				return part, nil
			}
			return string(append(unescaped, part...)), nil
		case c == '\\':
			unescaped = append(unescaped, p.text[start:p.pos]...)
			r, ok := p.escape()
			if !ok {
				return "", p.fail()
			}
			unescaped = utf8.AppendRune(unescaped, r)
			start = p.pos
		case c < ' ':
			return "", p.fail()
		default:
			p.pos++
		}
	}
	return "", p.fail()
}

// escape reads a backslash and what it stands for: U+FFFD for half of a surrogate pair.
func (p *parser) escape() (rune, bool) {
	p.pos++
	c := p.peek()
	if c == 'u' {
		r, ok := p.hex()
		if ok && utf16.IsSurrogate(r) {
			here := p.pos
			if p.skip(`\`) && p.peek() == 'u' {
				if low, ok := p.hex(); ok {
					if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
						return pair, true
					}
				}
			}
			p.pos = here
			return utf8.RuneError, true
		}
		return r, ok
	}
	const escapes, meanings = `"\/bfnrt`, "\"\\/\b\f\n\r\t"
	i := strings.IndexByte(escapes, c)
	if i < 0 {
		return 0, false
	}
	p.pos++
	return rune(meanings[i]), true
}

// hex reads the u of an escape and its four digits.
func (p *parser) hex() (rune, bool) {
	const digits = 4
	p.pos++
	if p.pos+digits > len(p.text) {
		return 0, false
	}
	var r rune
	for range digits {
		switch c := p.text[p.pos]; {
		case '0' <= c && c <= '9':
			r = r<<4 | rune(c-'0')
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			r = r<<4 | rune(c|0x20-'a'+10)
		default:
			return 0, false
		}
		p.pos++
	}
	return r, true
}

// number reads an integer as an int, an int64 or a json.Number, whichever is the first to hold it, and any other number
// as a float64 or a json.Number.
func (p *parser) number() (any, error) {
	start := p.pos
	p.skip("-")
	if !p.skip("0") && !p.digits() {
		return nil, p.fail()
	}
	integer := true
	if p.skip(".") {
		if integer = false; !p.digits() {
			return nil, p.fail()
		}
	}
	if p.skip("e") || p.skip("E") {
		if integer = false; !p.skip("+") {
			p.skip("-")
		}
		if !p.digits() {
			return nil, p.fail()
		}
	}
	text := p.text[start:p.pos]
	if integer {
		if i, err := strconv.Atoi(text); err == nil {
			return i, nil
		}
		if i, err := strconv.ParseInt(text, 10, 64); err == nil {
			return i, nil
		}
	} else if f, err := strconv.ParseFloat(text, 64); err == nil {
		return f, nil
	}
	return json.Number(text), nil
}

// digits skips digits, and reports whether there was one.
func (p *parser) digits() bool {
	start := p.pos
	for '0' <= p.peek() && p.peek() <= '9' {
		p.pos++
	}
	return p.pos > start
}

func (p *parser) skipSpace() {
	for p.pos < len(p.text) {
		switch p.text[p.pos] {
		case ' ', '\t', '\n', '\r':
			p.pos++
		default:
			return
		}
	}
}

// skip skips token, if that is next.
func (p *parser) skip(token string) bool {
	if !strings.HasPrefix(p.text[p.pos:], token) {
		return false
	}
	p.pos += len(token)
	return true
}

// peek returns the next byte, 0 at the end.
func (p *parser) peek() byte {
	if p.pos < len(p.text) {
		return p.text[p.pos]
	}
	return 0
}

// fail returns the error for what is next. It shows nothing of the text.
func (p *parser) fail() error {
	return fmt.Errorf("no JSON from byte %d on", p.pos)
}
