package firestoretest

import (
	"maps"
	"regexp"
	"strings"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
)

// fieldPath is the names that lead to a field, from the outermost map to the innermost.
type fieldPath []string

// segment is one name of a field path as it is written: plain, or quoted by backticks.
var segment = regexp.MustCompile("^(?:[A-Za-z_][A-Za-z_0-9]*|`(?:[^`\\\\]|\\\\.)+`)")

// nameField is how the document's name is addressed as if it were a field.
const nameField = "__name__"

var namePath = fieldPath{nameField}

// parseFieldPath reads a path such as "a.b" or "a.`b.c`".
func parseFieldPath(s string) (fieldPath, error) {
	if len(s) >= maxFieldPathSize {
		return nil, invalid("A field path is longer than %d bytes.", maxFieldPathSize)
	}
	var path fieldPath
	for rest := s; ; {
		name := segment.FindString(rest)
		if name == "" {
			return nil, invalid("Invalid property path %q.", s)
		}
		rest = rest[len(name):]
		if name[0] == '`' {
			name = unquote(name)
		}
		if isName := name == nameField && path == nil && rest == ""; reserved(name) && !isName {
			return nil, invalid("Invalid reserved name in field path %q.", s)
		}
		path = append(path, name)
		if rest == "" {
			return path, checkDepth(path)
		}
		if rest[0] != '.' {
			return nil, invalid("Invalid property path %q.", s)
		}
		rest = rest[1:]
	}
}

func checkDepth(path fieldPath) error {
	if len(path) > maxDepth {
		return invalid("A field path has more than %d elements.", maxDepth)
	}
	return nil
}

func unquote(quoted string) string {
	var name strings.Builder
	inner := quoted[1 : len(quoted)-1]
	for i := 0; i < len(inner); i++ {
		if inner[i] == '\\' {
			i++
		}
		name.WriteByte(inner[i])
	}
	return name.String()
}

// isName reports whether the path addresses the document's name.
func (p fieldPath) isName() bool {
	return len(p) == 1 && p[0] == nameField
}

// in returns the value at the path in the document, nil if there is none.
func (p fieldPath) in(doc *pb.Document) *pb.Value {
	if p.isName() {
		return referenceValue(doc.GetName())
	}
	return p.get(doc.GetFields())
}

// get returns the value at the path, nil if there is none.
func (p fieldPath) get(fields map[string]*pb.Value) *pb.Value {
	v := fields[p[0]]
	if len(p) == 1 {
		return v
	}
	return p[1:].get(fieldsOf(v))
}

// set puts the value at the path, or with nil removes what is there. It changes the
// map of fields, but none of those nested in it: they are replaced by changed copies.
func (p fieldPath) set(fields map[string]*pb.Value, v *pb.Value) {
	switch {
	case len(p) > 1:
		inner := maps.Clone(fieldsOf(fields[p[0]]))
		if inner == nil {
			if v == nil {
				return
			}
			inner = map[string]*pb.Value{}
		}
		p[1:].set(inner, v)
		fields[p[0]] = mapValue(inner)
	case v == nil:
		delete(fields, p[0])
	default:
		fields[p[0]] = v
	}
}

// mask is the fields that a request is about. A nil mask means all of them.
type mask []fieldPath

func parseMask(m *pb.DocumentMask) (mask, error) {
	if m == nil {
		return nil, nil
	}
	paths := make(mask, len(m.GetFieldPaths()))
	for i, s := range m.GetFieldPaths() {
		p, err := parseFieldPath(s)
		if err != nil {
			return nil, err
		}
		paths[i] = p
	}
	return paths, nil
}

// project returns the document with only the fields of the mask.
func (m mask) project(doc *pb.Document) *pb.Document {
	if m == nil {
		return doc
	}
	fields := map[string]*pb.Value{}
	for _, p := range m {
		if v := p.get(doc.GetFields()); v != nil {
			p.set(fields, v)
		}
	}
	return &pb.Document{
		Name:       doc.GetName(),
		Fields:     fields,
		CreateTime: doc.GetCreateTime(),
		UpdateTime: doc.GetUpdateTime(),
	}
}
