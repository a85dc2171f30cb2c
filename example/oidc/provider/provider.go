// Package provider runs an OpenID Connect provider in the process, for tests and for trying the example without a network. It is
// the example server of github.com/zitadel/oidc with a sign-in page that asks for no password.
package provider

import (
	"context"
	"crypto/rand"
	"errors"
	"html/template"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// A Client is the one application that the provider serves.
type Client struct {
	ID, Secret                         string
	RedirectURI, PostLogoutRedirectURI string
}

// A Provider listens on a port of the loopback interface until Close. Browsers take it for another site than one on localhost.
type Provider struct {
	Issuer string // such as http://127.0.0.1:43210

	server *http.Server
}

// Start starts a provider. Its users are Ada and Grace, with the subjects "ada" and "grace".
func Start(client Client) (*Provider, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &Provider{Issuer: "http://" + listener.Addr().String()}
	handler, err := newHandler(p.Issuer, client)
	if err != nil {
		listener.Close()
		return nil, err
	}
	p.server = &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second}
	go p.server.Serve(listener) //nolint:errcheck // it ends by Close
	return p, nil
}

// Close stops the provider.
func (p *Provider) Close() error { return p.server.Close() }

func newHandler(issuer string, client Client) (http.Handler, error) {
	store := &oneClient{
		Storage:      storage.NewStorageWithClients(users{}, nil),
		relyingParty: relyingParty{storage.WebClient(client.ID, client.Secret, client.RedirectURI), client.PostLogoutRedirectURI},
		secret:       client.Secret,
	}
	cfg := &op.Config{CodeMethodS256: true}
	_, _ = rand.Read(cfg.CryptoKey[:]) // it never fails
	provider, err := op.NewProvider(cfg, store, op.StaticIssuer(issuer), op.WithAllowInsecure())
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/", provider)
	withIssuer := op.NewIssuerInterceptor(provider.IssuerFromRequest).HandlerFunc
	mux.HandleFunc("GET /login/username", showLogin)
	mux.HandleFunc("POST /login/username", withIssuer(func(w http.ResponseWriter, r *http.Request) {
		login(w, r, provider, store)
	}))
	return mux, nil
}

var loginPage = template.Must(template.New("").Parse(`<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<title>Sign-in service</title>
<h1>Who are you?</h1>
<form method="post">
<input type="hidden" name="id" value="{{.}}">
<button name="user" value="ada">Ada</button>
<button name="user" value="grace">Grace</button>
<button name="user" value="">Cancel</button>
</form>
`))

func showLogin(w http.ResponseWriter, r *http.Request) {
	_ = loginPage.Execute(w, r.FormValue("authRequestID")) // an error means that the client is gone
}

// login sends the browser back to the application, with a code or, if the user cancels, with an error.
func login(w http.ResponseWriter, r *http.Request, provider *op.Provider, store *oneClient) {
	id, user := r.PostFormValue("id"), r.PostFormValue("user")
	request, err := store.AuthRequestByID(r.Context(), id)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if user == "" {
		op.AuthRequestError(w, r, request, oidc.ErrAccessDenied().WithDescription("the user cancelled"), provider)
		return
	}
	if err := store.CheckUsernamePassword(user, "", id); err != nil {
		http.Error(w, err.Error(), http.StatusForbidden)
		return
	}
	http.Redirect(w, r, op.AuthCallbackURL(provider)(r.Context(), id), http.StatusFound)
}

// oneClient is a storage that knows one client.
type oneClient struct {
	*storage.Storage
	relyingParty

	secret string
}

// relyingParty is a client that may name an address to which a sign-out leads.
type relyingParty struct {
	*storage.Client
	afterSignOut string
}

// PostLogoutRedirectURIs implements [op.Client].
func (c relyingParty) PostLogoutRedirectURIs() []string { return []string{c.afterSignOut} }

// IDTokenUserinfoClaimsAssertion implements [op.Client]. As with most providers, the ID token tells the user's name.
func (c relyingParty) IDTokenUserinfoClaimsAssertion() bool { return true }

// GetClientByClientID implements [op.Storage].
func (s *oneClient) GetClientByClientID(_ context.Context, id string) (op.Client, error) {
	if id != s.GetID() {
		return nil, errors.New("client not found")
	}
	return s.relyingParty, nil
}

// AuthorizeClientIDSecret implements [op.Storage].
func (s *oneClient) AuthorizeClientIDSecret(_ context.Context, id, secret string) error {
	if id != s.GetID() || secret != s.secret {
		return errors.New("wrong client or secret")
	}
	return nil
}

// users implements [storage.UserStore].
type users struct{}

// GetUserByID implements [storage.UserStore].
func (users) GetUserByID(id string) *storage.User {
	switch id {
	case "ada", "grace":
		return &storage.User{ID: id, Username: id, FirstName: strings.ToUpper(id[:1]) + id[1:], LastName: "Example"}
	default:
		return nil
	}
}

// GetUserByUsername implements [storage.UserStore].
func (u users) GetUserByUsername(name string) *storage.User { return u.GetUserByID(name) }

// ExampleClientID implements [storage.UserStore].
func (users) ExampleClientID() string { return storage.ServiceUserID }
