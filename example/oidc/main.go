// Command oidc is a small web application whose users sign in with an OpenID Connect provider. Its sessions are in Firestore.
//
//	go run .
//
// needs only Go, because the program contains a provider, with two users, and a Firestore in memory. See README.md for the
// environment variables that name others.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"cloud.google.com/go/firestore"
	"github.com/echofirestore/echofirestore/firestoretest"

	"github.com/echofirestore/echofirestore/example/oidc/provider"
)

func main() {
	if err := run(os.Getenv); err != nil {
		fmt.Fprintln(os.Stderr, "oidc:", err)
		os.Exit(1)
	}
}

// run serves the application until a signal ends it.
func run(getenv func(string) string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", ":"+cmp.Or(getenv("PORT"), "8080"))
	if err != nil {
		return err
	}
	defer listener.Close()
	logger := slog.Default()
	client, closeFirestore, err := openFirestore(ctx, getenv)
	if err != nil {
		return err
	}
	defer closeFirestore()

	cfg := config{
		Client:       client,
		BaseURL:      cmp.Or(getenv("BASE_URL"), fmt.Sprintf("http://localhost:%d", listener.Addr().(*net.TCPAddr).Port)),
		Issuer:       getenv("OIDC_ISSUER"),
		ClientID:     getenv("OIDC_CLIENT_ID"),
		ClientSecret: getenv("OIDC_CLIENT_SECRET"),
		Logger:       logger,
		Now:          time.Now,
	}
	cfg.BaseURL = strings.TrimSuffix(cfg.BaseURL, "/")
	switch {
	case cfg.Issuer == "":
		logger.WarnContext(ctx, "no OIDC_ISSUER: sign-ins ask for no password, and work only on this machine")
		cfg.ClientID, cfg.ClientSecret = "echofirestore-example", "secret"
		own, err := provider.Start(provider.Client{
			ID: cfg.ClientID, Secret: cfg.ClientSecret,
			RedirectURI: cfg.BaseURL + pathCallback, PostLogoutRedirectURI: cfg.BaseURL + "/",
		})
		if err != nil {
			return err
		}
		defer own.Close()
		cfg.Issuer = own.Issuer
	case cfg.ClientID == "":
		return errors.New("OIDC_CLIENT_ID is not set")
	}
	handler, err := newApp(ctx, cfg)
	if err != nil {
		return err
	}
	logger.InfoContext(ctx, "listening", "url", cfg.BaseURL, "issuer", cfg.Issuer)
	return serve(ctx, listener, handler)
}

// openFirestore opens the Firestore of GOOGLE_CLOUD_PROJECT, in FIRESTORE_EMULATOR_HOST if that is set, or else one in
// memory.
func openFirestore(ctx context.Context, getenv func(string) string) (client *firestore.Client, closeAll func(), err error) {
	host, project := getenv("FIRESTORE_EMULATOR_HOST"), getenv("GOOGLE_CLOUD_PROJECT")
	if host != "" || project != "" {
		client, err := firestore.NewClient(ctx, cmp.Or(project, "echofirestore-example"))
		if err != nil {
			return nil, nil, err
		}
		return client, func() { client.Close() }, nil
	}
	server, err := firestoretest.NewServer() //nolint:contextcheck // it lives until Close, not until a context ends
	if err != nil {
		return nil, nil, err
	}
	client, err = server.Client(ctx)
	if err != nil {
		server.Close()
		return nil, nil, err
	}
	return client, func() { client.Close(); server.Close() }, nil
}

func serve(ctx context.Context, listener net.Listener, handler http.Handler) error {
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		return errors.Join(err, server.Close())
	}
	return nil
}
