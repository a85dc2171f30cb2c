package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/echofirestore/echofirestore"
	"github.com/labstack/echo/v4"
	"golang.org/x/oauth2"
)

// The session's values, besides the pending sign-ins.
const (
	keyUser = "user" // string: the subject, which the provider never gives to another user
	keyName = "name" // string: what to call the user
)

// A user is who the provider says has signed in.
type user struct{ ID, Name string }

// signIn sends the browser to the provider.
func (a *app) signIn(c echo.Context) error {
	begun, err := beginSignIn(c, a.now(), c.QueryParam("return"))
	if err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther,
		a.oauth.AuthCodeURL(begun.State, oidc.Nonce(begun.Nonce), oauth2.S256ChallengeOption(begun.Verifier)))
}

// callback is where the provider sends the browser back to.
func (a *app) callback(c echo.Context) error {
	// The sign-in is taken before anything else, so that whatever happens next, its state, nonce and verifier are used up.
	begun, err := takeSignIn(c, a.now(), c.QueryParam("state"))
	switch {
	case errors.Is(err, errNotPending), errors.Is(err, echofirestore.ErrGone):
		if next := a.withNewKey(c); next != "" {
			return c.Redirect(http.StatusSeeOther, next)
		}
		return signInUnknown.because(err)
	case err != nil:
		return callbackUnavailable.because(err)
	}
	if code := c.QueryParam("error"); code != "" {
		return refused(code, c.QueryParam("error_description"), begun.Return)
	}
	u, err := a.identify(c.Request().Context(), begun, c.QueryParam("code"))
	if err != nil {
		return signInFailed.returningTo(begun.Return).because(err)
	}
	err = enter(c, u)
	if err != nil && !errors.Is(err, echofirestore.ErrGone) { // if it is gone, another tab has signed in, or out, meanwhile
		return signInNotSaved.returningTo(begun.Return).because(err)
	}
	return c.Redirect(http.StatusSeeOther, begun.Return)
}

// withNewKey returns the callback's address once more if the request came with a key that is over: when two tabs come back at
// the same moment, the second still has the key that the first has just replaced.
func (a *app) withNewKey(c echo.Context) string {
	sess, err := echofirestore.Get(c)
	query := c.QueryParams()
	if err != nil || !a.store.Ended(sess) || query.Has("again") {
		return ""
	}
	query.Set("again", "yes")
	return pathCallback + "?" + query.Encode()
}

// identify exchanges the code for an ID token, and returns the user whom it names.
func (a *app) identify(ctx context.Context, begun pendingSignIn, code string) (user, error) {
	ctx = oidc.ClientContext(ctx, a.http)
	tokens, err := a.oauth.Exchange(ctx, code, oauth2.VerifierOption(begun.Verifier))
	if err != nil {
		return user{}, fmt.Errorf("exchange the code: %w", err)
	}
	raw, _ := tokens.Extra("id_token").(string)
	token, err := a.verifier.Verify(ctx, raw)
	if err != nil {
		return user{}, fmt.Errorf("verify the ID token: %w", err)
	}
	if token.Nonce != begun.Nonce {
		return user{}, errors.New("the ID token belongs to another sign-in: its nonce is a different one")
	}
	var claims struct{ Name string }
	if err := token.Claims(&claims); err != nil {
		return user{}, fmt.Errorf("read the ID token: %w", err)
	}
	return user{ID: token.Subject, Name: claims.Name}, nil
}

// enter makes the session that of a user, and saves it. What a visitor has stored before signing in stays, such as a
// basket, but not what another user has.
func enter(c echo.Context, u user) error {
	sess, err := echofirestore.Get(c)
	if err != nil {
		return err
	}
	if before, _ := echofirestore.Value[string](sess, keyUser); before != "" && before != u.ID {
		for key := range sess.Values {
			if key != keyPending { // of this browser, in other tabs
				delete(sess.Values, key)
			}
		}
	}
	sess.Values[keyUser], sess.Values[keyName] = u.ID, u.Name
	sess.Options.MaxAge = int(signedInFor.Seconds())
	if err := echofirestore.Renew(c); err != nil { // somebody else may know the old key
		return err
	}
	return echofirestore.Save(c) // now, so that the caller can say what to do if it fails
}

// signOut ends the session here and, if the provider offers that, there.
func (a *app) signOut(c echo.Context) error {
	if err := echofirestore.Destroy(c); err != nil {
		return signOutUnavailable.because(err)
	}
	return c.Redirect(http.StatusSeeOther, a.signedOut)
}

// signOutURL returns the provider's address for sign-outs (OpenID Connect RP-Initiated Logout 1.0), which leads back to the
// front page, or else that of the front page. With an id_token_hint, some providers would not ask whether the user really
// wants that; but then, each session would have to keep its ID token.
func signOutURL(provider *oidc.Provider, cfg config) (string, error) {
	var metadata struct {
		EndSession string `json:"end_session_endpoint"`
	}
	if err := provider.Claims(&metadata); err != nil {
		return "", fmt.Errorf("read the provider's configuration: %w", err)
	}
	if metadata.EndSession == "" {
		return "/", nil
	}
	end, err := url.Parse(metadata.EndSession)
	if err != nil {
		return "", fmt.Errorf("end_session_endpoint: %w", err)
	}
	query := end.Query()
	query.Set("client_id", cfg.ClientID)
	query.Set("post_logout_redirect_uri", cfg.BaseURL+"/")
	end.RawQuery = query.Encode()
	return end.String(), nil
}
