// Package firebase exchanges ID tokens of Firebase Authentication for sessions. The page docs/firebase-auth.md explains it, and
// quotes its code.
package firebase

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/echofirestore/echofirestore"
	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
)

// An application exchanges ID tokens for its sessions.
type application struct {
	store    *echofirestore.Store // with UserKey: "user"
	verifier *oidc.IDTokenVerifier
	firebase revoker
	now      func() time.Time
}

// A revoker is the part of the Admin SDK's *auth.Client that ends sign-ins in Firebase.
type revoker interface {
	RevokeRefreshTokens(ctx context.Context, uid string) error
}

func (a *application) install(e *echo.Echo) {
	e.Use(a.store.Middleware(), middleware.BodyLimit("64K"), middleware.CSRFWithConfig(middleware.CSRFConfig{
		TokenLookup:    "form:csrf",
		CookiePath:     "/",
		CookieHTTPOnly: true,
		CookieSecure:   true,
		CookieSameSite: http.SameSiteLaxMode,
	}))
	e.POST("/session", a.signIn)
	e.POST("/sign-out", signOut)
	e.POST("/sign-out-everywhere", a.signOutEverywhere)
}

// newVerifier returns a verifier of a Firebase project's ID tokens. It checks their signature, issuer, audience and expiry.
func newVerifier(ctx context.Context, project string) (*oidc.IDTokenVerifier, error) {
	provider, err := oidc.NewProvider(ctx, "https://securetoken.google.com/"+project)
	if err != nil {
		return nil, err
	}
	return provider.Verifier(&oidc.Config{ClientID: project}), nil
}

// recently is how long ago a user may have signed in to Firebase.
const recently = 5 * time.Minute

func (a *application) signIn(c echo.Context) error {
	// Not c.FormValue, which also finds a token in the address. Addresses get into logs.
	token, err := a.verifier.Verify(c.Request().Context(), c.Request().PostFormValue("id_token"))
	if err != nil {
		return echo.NewHTTPError(http.StatusUnauthorized).SetInternal(err)
	}
	var claims struct {
		AuthTime int64 `json:"auth_time"`
	}
	if err := token.Claims(&claims); err != nil {
		return echo.NewHTTPError(http.StatusUnauthorized).SetInternal(err)
	}
	if token.Subject == "" || a.now().Sub(time.Unix(claims.AuthTime, 0)) > recently {
		return echo.NewHTTPError(http.StatusUnauthorized, "please sign in again")
	}

	sess, err := echofirestore.Get(c)
	if err != nil {
		return err
	}
	if before, _ := sess.Values["user"].(string); before != "" && before != token.Subject {
		clear(sess.Values) // it belongs to another user
	}
	sess.Values["user"] = token.Subject
	if err := echofirestore.Renew(c); err != nil {
		return err
	}
	err = echofirestore.Save(c)
	if errors.Is(err, echofirestore.ErrGone) { // the old session ended meanwhile: begin a new one
		err = echofirestore.Destroy(c)
		sess.Values["user"] = token.Subject
	}
	if err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

func signOut(c echo.Context) error {
	if err := echofirestore.Destroy(c); err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, "/")
}

func (a *application) signOutEverywhere(c echo.Context) error {
	sess, err := echofirestore.Get(c)
	if err != nil {
		return err
	}
	user, _ := sess.Values["user"].(string)
	if user == "" {
		return c.Redirect(http.StatusSeeOther, "/")
	}
	ctx := c.Request().Context()
	_, err = a.store.RevokeUser(ctx, user)
	if err := errors.Join(err, a.firebase.RevokeRefreshTokens(ctx, user)); err != nil {
		return err
	}
	return signOut(c)
}
