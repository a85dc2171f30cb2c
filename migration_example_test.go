package echofirestore_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"path"
	"regexp"
	"time"

	"cloud.google.com/go/firestore"
	"github.com/gorilla/sessions"
	"google.golang.org/api/iterator"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/echofirestore/echofirestore"
)

// movedMaxAge is how long sessions live from now on, in seconds. Before, they never expired.
const movedMaxAge = 30 * 24 * 60 * 60

// autoID matches what Firestore makes for document IDs: the keys of firestore-gorilla-sessions are such.
var autoID = regexp.MustCompile(`^[0-9A-Za-z]{20}$`)

// A movingStore is a Store that takes over the sessions of firestore-gorilla-sessions, as their users come by.
type movingStore struct {
	*echofirestore.Store
	client *firestore.Client
}

func (s movingStore) Get(r *http.Request, name string) (*sessions.Session, error) {
	return sessions.GetRegistry(r).Get(s, name)
}

func (s movingStore) New(r *http.Request, name string) (*sessions.Session, error) {
	sess, err := s.Store.New(r, name)
	cookie, _ := r.Cookie(name)
	if err != nil || !sess.IsNew || cookie == nil || !autoID.MatchString(cookie.Value) {
		return sess, err
	}
	if err := moveSession(r.Context(), s.client, s.client.Collection(name).Doc(cookie.Value)); err != nil {
		return sess, err
	}
	return s.Store.New(r, name)
}

// Save also removes cookies that were set without a Path: in their directory, they would stand before the new ones.
func (s movingStore) Save(r *http.Request, w http.ResponseWriter, sess *sessions.Session) error {
	if err := s.Store.Save(r, w, sess); err != nil {
		return err
	}
	for dir := path.Dir(r.URL.Path); len(dir) > 1 && dir != sess.Options.Path; dir = path.Dir(dir) {
		http.SetCookie(w, &http.Cookie{Name: sess.Name(), Path: dir, MaxAge: -1})
	}
	return nil
}

// moveSession adds to a document what echofirestore reads, and takes nothing away, so that both programs can read it.
// If it has been moved, or cannot be, it stays as it is. With Config.UserKey, add the field user as well.
func moveSession(ctx context.Context, client *firestore.Client, ref *firestore.DocumentRef) error {
	return client.RunTransaction(ctx, func(_ context.Context, tx *firestore.Transaction) error {
		doc, err := tx.Get(ref)
		if status.Code(err) == codes.NotFound {
			return nil
		}
		if err != nil {
			return err
		}
		values, ok := oldValues(doc)
		if !ok {
			return nil
		}
		now := time.Now()
		data, err := echofirestore.EncodeJSON(echofirestore.Payload{Created: now.Unix(), Values: values})
		if err != nil {
			return err
		}
		return tx.Update(ref, []firestore.Update{
			{Path: "data", Value: data},
			{Path: "max_age", Value: movedMaxAge},
			{Path: "expire", Value: now.Add(movedMaxAge * time.Second)},
			{Path: "started", Value: now}, // else a Config.Lifetime would count from the document's creation
		})
	})
}

// oldValues returns the values of a session that has not been moved, and whether there are any to move.
func oldValues(doc *firestore.DocumentSnapshot) (values map[string]any, ok bool) {
	var session struct{ Values map[string]any }
	encoded, _ := doc.Data()["EncodedSession"].(string)
	err := json.Unmarshal([]byte(encoded), &session)
	_, moved := doc.Data()["data"]
	return session.Values, err == nil && !moved
}

// moveSessions moves all that have not been.
func moveSessions(ctx context.Context, client *firestore.Client, name string) error {
	docs := client.Collection(name).Select().Documents(ctx)
	defer docs.Stop()
	for {
		doc, err := docs.Next()
		if errors.Is(err, iterator.Done) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := moveSession(ctx, client, doc.Ref); err != nil {
			return fmt.Errorf("session last saved on %v: %w", doc.UpdateTime, err) // the ID is a credential
		}
	}
}

// index is a page as it was written for the old program, where numbers come back as float64.
func index(store sessions.Store) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		session, err := store.Get(r, "hello-views")
		if err != nil {
			http.Error(w, "please try again", http.StatusServiceUnavailable)
			return
		}
		if session.IsNew {
			session.Values["greeting"] = "Hello World"
			session.Values["views"] = float64(0)
		}
		session.Values["views"] = session.Values["views"].(float64) + 1
		if err := session.Save(r, w); err != nil {
			http.Error(w, "please try again", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprint(w, session.Values["greeting"], ", ", session.Values["views"])
	}
}

// From firestore-gorilla-sessions to this package, without signing anybody out: collection, document IDs and cookie
// names stay, the documents get further fields. First the new program replaces the old one, with a movingStore. When
// the old one has stopped, moveSessions moves those who have not come by, and a Store takes the movingStore's place.
func Example_firestoreGorillaSessions() {
	ctx := context.Background()
	client, stop := openFirestore()
	defer stop()

	// What the old program has stored of two of its users.
	for _, id := range []string{"4MmSSwGcbEPM4wRkq5Zf", "Zf5qkRw4MPEbcGwSSmM4"} {
		if _, err := client.Collection("hello-views").Doc(id).Create(ctx, map[string]any{
			"EncodedSession": `{"Values":{"greeting":"Hallo Welt","views":41},"ID":"` + id + `","Options":null}`,
		}); err != nil {
			log.Fatal(err)
		}
	}

	store, err := echofirestore.NewStore(echofirestore.Config{
		Client:     client,
		Collection: "hello-views", // as the old program's session is called;
		CookieName: "hello-views", // each name needs a Store of its own
		MaxAge:     movedMaxAge,
	})
	if err != nil {
		log.Fatal(err)
	}
	visit := func(store sessions.Store, key string) {
		r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
		r.AddCookie(&http.Cookie{Name: "hello-views", Value: key})
		w := httptest.NewRecorder()
		index(store).ServeHTTP(w, r)
		fmt.Println(w.Body)
	}
	visit(movingStore{store, client}, "4MmSSwGcbEPM4wRkq5Zf")
	if err := moveSessions(ctx, client, "hello-views"); err != nil {
		log.Fatal(err)
	}
	visit(store, "4MmSSwGcbEPM4wRkq5Zf")
	visit(store, "Zf5qkRw4MPEbcGwSSmM4")
	visit(store, "unknown")
	// Output:
	// Hallo Welt, 42
	// Hallo Welt, 43
	// Hallo Welt, 42
	// Hello World, 1
}
