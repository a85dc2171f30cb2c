package firestoretest

import (
	"strings"
)

// maxIDSize is how long a document or collection ID may be, in bytes
// (https://cloud.google.com/firestore/quotas#collections_documents_and_fields).
const maxIDSize = 1500

// checkDocumentName returns an error unless the name is "projects/…/databases/…/documents/"
// and pairs of a collection ID and a document ID, in that database if one is given.
func checkDocumentName(database, name string) error {
	if database != "" && !strings.HasPrefix(name, database+"/") {
		return invalid("Document name %q is not in database %q.", name, database)
	}
	path, err := relativePath(name)
	if err != nil {
		return err
	}
	if path == "" || strings.Count(path, "/")%2 == 0 {
		return invalid("Document name %q lacks a document ID at its end.", name)
	}
	for id := range strings.SplitSeq(path, "/") {
		if err := checkID(id); err != nil {
			return err
		}
	}
	return nil
}

// relativePath returns what follows "projects/…/databases/…/documents/" in a name.
func relativePath(name string) (string, error) {
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

func checkID(id string) error {
	switch {
	case id == "":
		return invalid("An ID must not be empty.")
	case id == "." || id == "..":
		return invalid("%q is no valid ID.", id)
	case reserved(id):
		return invalid("The ID %q is reserved.", id)
	case len(id) > maxIDSize:
		return invalid("An ID must not be longer than %d bytes.", maxIDSize)
	}
	return nil
}

// reserved tells whether Firestore keeps the ID or field name for itself: __.*__.
func reserved(id string) bool {
	return len(id) >= 4 && strings.HasPrefix(id, "__") && strings.HasSuffix(id, "__")
}
