package firestoretest

import (
	"cmp"
	"regexp"
	"strconv"
	"strings"
)

const (
	// maxIDSize is how long a document or collection ID may be, in bytes
	// (https://cloud.google.com/firestore/quotas#collections_documents_and_fields).
	maxIDSize = 1500

	// maxNameDepth is how many collections a document may be in.
	maxNameDepth = 100
)

// splitName splits a document's name into its collection's name and its own ID.
func splitName(name string) (collection, id string) {
	i := strings.LastIndexByte(name, '/')
	return name[:i], name[i+1:]
}

// checkDatabase returns an error unless the name is "projects/…/databases/…".
func checkDatabase(name string) error {
	path, err := pathOf(name + "/documents")
	if err != nil || path != "" {
		return invalid("Database name %q is not of the form projects/{project}/databases/{database}.", name)
	}
	return nil
}

// requestDatabase returns the name of the database that a request is about. The names in it are checked.
func requestDatabase(req any) string {
	switch req := req.(type) {
	case oldTransaction:
		return requestDatabase(req.snapshotted)
	case interface{ GetDatabase() string }:
		return req.GetDatabase()
	case interface{ GetParent() string }:
		return databaseOf(req.GetParent())
	case interface{ GetName() string }:
		return databaseOf(req.GetName())
	default:
		return ""
	}
}

// checkParent returns an error unless the name is that of a document, or of a database
// followed by "/documents".
func checkParent(name string) error {
	if isRoot(name) {
		return nil
	}
	return checkDocumentName(name)
}

// isRoot reports whether the name is that of a database followed by "/documents".
func isRoot(name string) bool {
	path, err := pathOf(name)
	return err == nil && path == "" && !strings.HasSuffix(name, "/")
}

// checkDocumentName returns an error unless the name is "projects/…/databases/…/documents/"
// and pairs of a collection ID and a document ID. How long the IDs are matters only
// where a document is stored; see checkIDSizes.
func checkDocumentName(name string) error {
	path, err := pathOf(name)
	if err != nil {
		return err
	}
	slashes := strings.Count(path, "/")
	if slashes%2 == 0 {
		return invalid("Document name %q does not end with a document ID.", name)
	}
	if slashes > 2*maxNameDepth {
		return invalid("Document name %q is in more than %d collections.", name, maxNameDepth)
	}
	isCollection := true
	for id := range strings.SplitSeq(path, "/") {
		if err := checkID(id, isCollection); err != nil {
			return err
		}
		isCollection = !isCollection
	}
	return nil
}

func checkIDSizes(name string) error {
	for id := range strings.SplitSeq(name, "/") {
		if len(id) > maxIDSize {
			return invalid("An ID in the document name is longer than %d bytes.", maxIDSize)
		}
	}
	return nil
}

// pathOf returns what follows "projects/…/databases/…/documents/" in a name.
func pathOf(name string) (string, error) {
	parts := strings.SplitN(name, "/", 6)
	if len(parts) < 5 || parts[0] != "projects" || parts[1] == "" ||
		parts[2] != "databases" || parts[3] == "" || parts[4] != "documents" {
		return "", invalid("Name %q does not begin with projects/{project}/databases/{database}/documents.", name)
	}
	if len(parts) == 5 {
		return "", nil
	}
	return parts[5], nil
}

// databaseOf returns the name of the database that a document's name, or the root's, begins with.
func databaseOf(name string) string {
	return strings.Join(strings.SplitN(name, "/", 5)[:4], "/")
}

// numericID matches numbers without regard to their range; see numberOf.
var numericID = regexp.MustCompile(`^__id(-?[1-9][0-9]*)__$`)

// numberOf returns the number that is the ID of a document of Datastore, and is called "__id7__" here.
func numberOf(id string) (n int64, ok bool) {
	if !reserved(id) {
		return 0, false
	}
	digits := numericID.FindStringSubmatch(id)
	if digits == nil {
		return 0, false
	}
	n, err := strconv.ParseInt(digits[1], 10, 64)
	if err != nil {
		return 0, false // out of range
	}
	return n, true
}

func checkCollectionID(id string) error {
	if strings.Contains(id, "/") {
		return invalid("Collection ID %q contains a slash.", id)
	}
	return checkID(id, true)
}

func checkID(id string, isCollection bool) error {
	_, isNumeric := numberOf(id)
	switch {
	case id == "" || id == "." || id == "..":
		return invalid("%q is not a valid ID.", id)
	case reserved(id) && (isCollection || !isNumeric):
		return invalid("The ID %q is reserved.", id)
	}
	return nil
}

// reserved reports whether Firestore keeps the ID or field name for itself: "__…__".
func reserved(id string) bool {
	return len(id) > 4 && strings.HasPrefix(id, "__") && strings.HasSuffix(id, "__")
}

// compareNames orders document names ID by ID. To compare the strings would be wrong, since
// IDs may contain bytes that are smaller than the slash.
func compareNames(a, b string) int {
	for {
		x, restA, moreA := strings.Cut(a, "/")
		y, restB, moreB := strings.Cut(b, "/")
		switch {
		case x != y:
			return compareIDs(x, y)
		case !moreA && !moreB:
			return 0
		case !moreA:
			return -1
		case !moreB:
			return 1
		}
		a, b = restA, restB
	}
}

// compareIDs puts the numeric ones first, by their numbers.
func compareIDs(a, b string) int {
	m, isNumberA := numberOf(a)
	n, isNumberB := numberOf(b)
	return cmp.Or(-compareBooleans(isNumberA, isNumberB), cmp.Compare(m, n), strings.Compare(a, b))
}
