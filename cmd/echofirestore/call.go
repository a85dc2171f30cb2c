package main

import (
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"cloud.google.com/go/firestore"

	"github.com/echofirestore/echofirestore/firesession"
	"github.com/echofirestore/echofirestore/internal/bridge"
	"github.com/echofirestore/echofirestore/internal/session"
)

const (
	defaultTimeout = time.Minute // nobody's request is waiting
	emulatorHost   = "FIRESTORE_EMULATOR_HOST"
	projectVar     = "GOOGLE_CLOUD_PROJECT"

	accessHelp = `It signs in with the credentials of the machine (gcloud auth application-default login), which need the
role roles/datastore.user. If FIRESTORE_EMULATOR_HOST is set, it uses the emulator there.
`
)

// A call is one execution of a command, with the flags that all commands have.
type call struct {
	*program
	project, database, collection string
	timeout                       time.Duration
	json, progress                bool

	client *firestore.Client // nil until open
	store  *firesession.Store
	core   *session.Store // of store
}

// define adds the flags that all commands have.
func (c *call) define(flags *flag.FlagSet) {
	flags.StringVar(&c.project, "project", c.getenv(projectVar), "the `ID` of the Google Cloud project; without it that of the credentials")
	flags.StringVar(&c.database, "database", firestore.DefaultDatabaseID, "the `ID` of the database")
	flags.StringVar(&c.collection, "collection", firesession.DefaultCollection, "the `ID` of the collection: the application's Config.Collection")
	flags.DurationVar(&c.timeout, "timeout", defaultTimeout, "how long one call to Firestore, or one batch, may take, retries included")
	flags.BoolVar(&c.json, "json", false, "print JSON")
	flags.BoolVar(&c.progress, "progress", c.terminal, "show the progress on stderr; on by default if that is a terminal")
}

// open connects to Firestore.
func (c *call) open(ctx context.Context) error {
	if c.database == "" {
		return usageError("-database must not be empty")
	}
	client, err := c.connect(ctx, cmp.Or(c.project, firestore.DetectProjectID), c.database)
	if err != nil {
		return fmt.Errorf("connect to Firestore: %w (-project names the project, and \"gcloud auth application-default login\" signs in)", err)
	}
	c.client = client
	if path := strings.Split(client.Collection(firesession.DefaultCollection).Path, "/"); len(path) > 1 {
		c.project = path[1] // projects/{project}/…
	}
	c.store, err = firesession.NewStore(firesession.Config{
		Client:     client,
		Collection: c.collection,
		Encoder:    firesession.EncodeJSON,
		Decoder:    decodeCreated,
		UserKey:    "user", // any: users are found by what is stored
		Timeout:    c.timeout,
		Logger:     slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return usageError(strings.ReplaceAll(strings.ReplaceAll(err.Error(), "echofirestore: ", ""), "Config.", ""))
	}
	c.core = bridge.Core(c.store)
	return nil
}

// decodeCreated reads of a session what its expiry may depend on, if Python has stored it: when it was saved. Data that is
// encrypted, or encoded in another way, has no Python behind it.
func decodeCreated(text string) (firesession.Payload, error) {
	p, err := firesession.DecodeJSON(text)
	if err != nil {
		return firesession.Payload{}, nil //nolint:nilerr // it is a session all the same
	}
	return firesession.Payload{Created: p.Created}, nil
}

func (c *call) close() {
	if c.client != nil {
		_ = c.client.Close() // the program ends
	}
}

// print writes a result to stdout: as JSON, if the user wants that, or else as text.
func (c *call) print(result any, text string) error {
	if !c.json {
		_, err := fmt.Fprintln(c.stdout, text)
		return err
	}
	return json.NewEncoder(c.stdout).Encode(result)
}

// number returns so many of something, in words.
func number(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// place names the collection.
func (c *call) place() string {
	return fmt.Sprintf("%s (project %s, database %s)", c.collection, c.project, c.database)
}
