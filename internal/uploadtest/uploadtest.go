// Package uploadtest uploads files to handlers, and looks for what is left of them in the folder of temporary files.
package uploadtest

import (
	"bytes"
	"io"
	"log"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
)

// Left uploads a file, which the handler is to parse with little memory, and returns how many files are left of it when the
// server is done with it. The test must not be parallel.
func Left(t *testing.T, handler http.Handler, http2 bool) int {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	post(t, handler, http2)
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	return len(files)
}

// post uploads a file, and returns when the server is done with it.
func post(t *testing.T, handler http.Handler, http2 bool) {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.EnableHTTP2 = http2
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	body := new(bytes.Buffer)
	form := multipart.NewWriter(body)
	part, err := form.CreateFormFile("file", "file")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := part.Write(make([]byte, 1<<20)); err != nil {
		t.Fatal(err)
	}
	form.Close()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", form.FormDataContentType())
	if resp, err := server.Client().Do(req); err == nil {
		_, _ = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
}
