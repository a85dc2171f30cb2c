package main

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"net/http"
	"path"
	"time"

	"github.com/gorilla/sessions"
	"github.com/labstack/echo/v4"

	"github.com/echofirestore/echofirestore"
	"github.com/echofirestore/echofirestore/firestoretest"
)

//go:embed templates/*.html static/*
var files embed.FS

// frame is what every page shows around its content.
type frame struct {
	User     string // who is signed in, if the page knows
	Messages []message
	Cost     firestoretest.Ops
	Place    string
}

// frameOf returns the frame of a page about the session, with the messages that wait in it.
func frameOf(sess *sessions.Session) frame {
	user, _ := echofirestore.Value[string](sess, keyName)
	return frame{User: user, Messages: takeMessages(sess)}
}

// saveFor saves the session before a page is rendered, not after as the middleware would, so that the page can show all
// of its costs.
func (a *app) saveFor(c echo.Context, f *frame) error {
	if err := echofirestore.Save(c); err != nil {
		return err
	}
	a.complete(c, f)
	return nil
}

// complete completes a page's frame when only the rendering is left to do.
func (a *app) complete(c echo.Context, f *frame) {
	f.Cost, f.Place = costOf(c.Request().Context()), a.place
}

// pages are the templates by file name, each with the layout around it.
type pages map[string]*template.Template

func parsePages() (pages, error) {
	layout, err := template.New("layout.html").
		Funcs(template.FuncMap{
			"asset":      assetURL,
			"repository": func() string { return "https://github.com/echofirestore/echofirestore" },
			"reference":  func() string { return "https://pkg.go.dev/github.com/echofirestore/echofirestore" },
		}).
		ParseFS(files, "templates/layout.html", "templates/moment.html")
	if err != nil {
		return nil, err
	}
	all := make(pages)
	for _, name := range []string{"home.html", "sessions.html", "document.html", "burst.html", "late.html", "error.html"} {
		page, err := layout.Clone()
		if err != nil {
			return nil, err
		}
		if all[name], err = page.ParseFS(files, "templates/"+name); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// show renders a page. It does so before the response begins, so that a failure has a page of its own.
func (p pages) show(c echo.Context, status int, name string, data any) error {
	var html bytes.Buffer
	if err := p[name].Execute(&html, data); err != nil {
		return err
	}
	c.Response().Header().Set(echo.HeaderCacheControl, personal)
	return c.HTMLBlob(status, html.Bytes())
}

// personal keeps pages out of caches. Otherwise, Firebase Hosting would cache those with status 404 for everyone.
const personal = "private, no-store"

// head answers a HEAD request for a page, without its session: nobody sees the page, so nothing is counted, shown or stored.
func head(c echo.Context) error {
	header := c.Response().Header()
	header.Set(echo.HeaderCacheControl, personal)
	header.Set(echo.HeaderContentType, echo.MIMETextHTMLCharsetUTF8)
	return c.NoContent(http.StatusOK)
}

// An asset is a file that all pages share.
type asset struct {
	name, contentType string
	content           []byte
	version           string // changes with the content
}

var assets = []asset{
	loadAsset("style.css", "text/css; charset=utf-8"),
	loadAsset("favicon.svg", "image/svg+xml"),
}

func loadAsset(name, contentType string) asset {
	content, err := files.ReadFile(path.Join("static", name))
	if err != nil {
		panic(err) // it is embedded
	}
	sum := sha256.Sum256(content)
	return asset{name: name, contentType: contentType, content: content, version: hex.EncodeToString(sum[:6])}
}

// assetURL returns the address of an asset. It changes with the content, so that browsers may keep it forever.
func assetURL(name string) (string, error) {
	for _, file := range assets {
		if file.name == name {
			return "/" + name + "?v=" + file.version, nil
		}
	}
	return "", fmt.Errorf("no asset %q", name)
}

func (a asset) serve(c echo.Context) error {
	header := c.Response().Header()
	header.Set(echo.HeaderContentType, a.contentType)
	header.Set("ETag", `"`+a.version+`"`)
	header.Set(echo.HeaderCacheControl, "public, max-age=31536000, immutable")
	if c.QueryParam("v") != a.version {
		header.Set(echo.HeaderCacheControl, "public, no-cache")
	}
	http.ServeContent(c.Response(), c.Request(), a.name, time.Time{}, bytes.NewReader(a.content))
	return nil
}
