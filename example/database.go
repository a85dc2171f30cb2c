package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"cloud.google.com/go/firestore"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/echofirestore/echofirestore/firestoretest"
)

// A database is the Firestore that the sessions are kept in.
type database struct {
	client *firestore.Client
	place  string     // where that is, to follow "sessions are kept"
	level  slog.Level // of the log message that says so

	closers []io.Closer
}

// Close closes the client and what was started for it.
func (db *database) Close() {
	for _, c := range db.closers {
		_ = c.Close() // the program is ending
	}
}

// errForgetful says that the program would keep sessions in memory where instances come and go, and there are several.
var errForgetful = errors.New("this is Cloud Run, where sessions can't be kept in memory: " +
	"set the environment variable GOOGLE_CLOUD_PROJECT to the ID of the project whose Firestore keeps them, with " +
	"gcloud run services update SERVICE --update-env-vars GOOGLE_CLOUD_PROJECT=PROJECT")

// openDatabase opens the emulator in FIRESTORE_EMULATOR_HOST, or else the Firestore of the project in
// GOOGLE_CLOUD_PROJECT, or else one in memory, unless this is Cloud Run.
func openDatabase(ctx context.Context, getenv func(string) string) (*database, error) {
	host, project := getenv("FIRESTORE_EMULATOR_HOST"), getenv("GOOGLE_CLOUD_PROJECT")
	switch {
	case host != "":
		db, err := openEmulator(ctx, host, cmp.Or(project, "echofirestore-example"))
		if err != nil {
			return nil, err
		}
		db.place = "in the Firestore emulator at " + host
		return db, nil
	case project != "":
		return openCloud(ctx, project)
	case onCloudRun(getenv):
		return nil, errForgetful
	default:
		return openMemory(ctx)
	}
}

// onCloudRun reports whether the program runs there: Cloud Run sets K_SERVICE.
func onCloudRun(getenv func(string) string) bool { return getenv("K_SERVICE") != "" }

// openCloud opens the Firestore of a Google Cloud project, with the credentials that the machine has.
func openCloud(ctx context.Context, project string, opts ...option.ClientOption) (*database, error) {
	for _, opt := range countingCosts() {
		opts = append(opts, option.WithGRPCDialOption(opt))
	}
	client, err := firestore.NewClient(ctx, project, opts...)
	if err != nil {
		return nil, fmt.Errorf("open Firestore of project %s: %w", project, err)
	}
	return &database{client: client, place: "in Google Cloud Firestore", closers: []io.Closer{client}}, nil
}

// commitTakes is roughly how long Firestore takes for a commit, from a program in the same region.
const commitTakes = 10 * time.Millisecond

// openMemory starts a Firestore within the program. Its commits take as long as they would elsewhere.
func openMemory(ctx context.Context) (*database, error) {
	server, err := firestoretest.NewServer() //nolint:contextcheck // it lives until Close, not until a context ends
	if err != nil {
		return nil, err
	}
	db, err := openEmulator(ctx, server.Addr(), server.Project())
	if err != nil {
		server.Close()
		return nil, err
	}
	// Without that, one commit would be over before the next begins, and requests would never meet.
	server.Inject(firestoretest.Fault{Method: "Commit", Times: -1, Delay: commitTakes})
	db.place, db.level = "in memory, until this program ends", slog.LevelWarn
	db.closers = append(db.closers, server)
	return db, nil
}

// openEmulator opens the Firestore at host, which speaks plain gRPC. The connection is made here, since with
// FIRESTORE_EMULATOR_HOST set firestore.NewClient makes one of its own that ignores dial options.
func openEmulator(ctx context.Context, host, project string) (*database, error) {
	opts := append(countingCosts(),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithPerRPCCredentials(emulatorOwner{}))
	conn, err := grpc.NewClient("passthrough:///"+strings.TrimPrefix(host, "http://"), opts...)
	if err != nil {
		return nil, fmt.Errorf("connect to Firestore at %s: %w", host, err)
	}
	client, err := firestore.NewClient(ctx, project, option.WithGRPCConn(conn))
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("open Firestore at %s: %w", host, err)
	}
	return &database{client: client, closers: []io.Closer{client}}, nil // the client closes the connection
}

// emulatorOwner exempts calls from the emulator's security rules, as the server of an application is in the cloud.
type emulatorOwner struct{}

func (emulatorOwner) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": "Bearer owner"}, nil
}

func (emulatorOwner) RequireTransportSecurity() bool { return false }
