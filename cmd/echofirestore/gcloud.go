package main

import (
	"regexp"
	"strings"

	"cloud.google.com/go/firestore"

	"github.com/echofirestore/echofirestore/internal/document"
)

// Fields of a session's document that the configuration of the database is about.
const (
	fieldExpire = document.FieldExpire
	fieldUser   = document.FieldUser
	fieldData   = document.FieldData
)

// A gcloud makes commands that change the configuration of a database.
type gcloud struct{ project, database, collection string }

func (c *call) gcloud() gcloud { return gcloud{c.project, c.database, c.collection} }

func (g gcloud) enableTTL(field string) string {
	return g.onField("firestore", "fields", "ttls", "update", field, "--enable-ttl")
}

func (g gcloud) index(field string) string {
	return g.onField("firestore", "indexes", "fields", "update", field, "--index=order=ascending")
}

func (g gcloud) exempt(field string) string {
	return g.onField("firestore", "indexes", "fields", "update", field, "--disable-indexes")
}

// compositeIndex is index for the Enterprise edition, which has no other indexes.
func (g gcloud) compositeIndex(field string) string {
	return g.onField("firestore", "indexes", "composite", "create", "--field-config=field-path="+field+",order=ascending")
}

func (g gcloud) createDatabase() string {
	return g.command("firestore", "databases", "create", "--database="+g.database, "--type=firestore-native", "--location=LOCATION")
}

func (g gcloud) nativeMode() string {
	return g.command("firestore", "databases", "update", "--database="+g.database, "--type=firestore-native")
}

func (g gcloud) enableAPI() string {
	return g.command("services", "enable", "firestore.googleapis.com")
}

// grant gives a role to whoever runs the program. It does not know who that is.
func (g gcloud) grant(role string) string {
	return "gcloud projects add-iam-policy-binding " + shell(g.project) + " --member=MEMBER --role=" + role
}

func (g gcloud) onField(args ...string) string {
	args = append(args, "--collection-group="+g.collection)
	if g.database != firestore.DefaultDatabaseID { // gcloud's default, too
		args = append(args, "--database="+g.database)
	}
	return g.command(args...)
}

func (g gcloud) command(args ...string) string {
	words := []string{"gcloud"}
	for _, arg := range append(args, "--project="+g.project) {
		words = append(words, shell(arg))
	}
	return strings.Join(words, " ")
}

var plain = regexp.MustCompile(`^[A-Za-z0-9_./:@=,+-]+$`)

// shell returns a word as a shell reads it.
func shell(word string) string {
	if plain.MatchString(word) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
