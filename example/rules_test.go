package main

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/echofirestore/echofirestore/internal/emulator"
)

// A restClient speaks to the emulator's REST interface, as a web page can.
type restClient struct {
	t             *testing.T
	host, project string
}

// do returns the status of a request.
func (c restClient) do(method, path, authorization, body string) int {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), method, "http://"+c.host+path, strings.NewReader(body))
	requireNoError(c.t, err)
	req.Header.Set("Content-Type", "application/json")
	if authorization != "" {
		req.Header.Set("Authorization", "Bearer "+authorization)
	}
	resp, err := http.DefaultClient.Do(req)
	requireNoError(c.t, err)
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	requireNoError(c.t, err)
	return resp.StatusCode
}

// setRules has the emulator enforce these rules in the client's project.
func (c restClient) setRules(rules string) {
	c.t.Helper()
	body := fmt.Sprintf(`{"rules": {"files": [{"name": "firestore.rules", "content": %q}]}}`, rules)
	if status := c.do(http.MethodPut, "/emulator/v1/projects/"+c.project+":securityRules", "owner", body); status != http.StatusOK {
		c.t.Fatalf("the emulator answers %d to the rules", status)
	}
}

// userToken returns the token of somebody who has signed in with Firebase Authentication. The emulator asks for no
// signature.
func userToken(project string) string {
	encode := base64.RawURLEncoding.EncodeToString
	now := time.Now().Unix()
	claims := fmt.Sprintf(`{"sub":"alice","user_id":"alice","aud":%q,"iss":"https://securetoken.google.com/%s","iat":%d,"exp":%d}`,
		project, project, now, now+3600)
	return encode([]byte(`{"alg":"none","typ":"JWT"}`)) + "." + encode([]byte(claims)) + "."
}

// TestRulesRefuseBrowsers holds firestore.rules against requests as web pages send them, with nobody and with somebody
// signed in. Rules are enforced by the emulator alone, so there is nothing to see without it.
func TestRulesRefuseBrowsers(t *testing.T) {
	t.Parallel()
	emulator.Require(t)
	rules, err := os.ReadFile("firestore.rules")
	requireNoError(t, err)
	c := restClient{t: t, host: emulator.Host(), project: fmt.Sprintf("rules-%d", time.Now().UnixNano())}
	root := "/v1/projects/" + c.project + "/databases/(default)/documents"
	session := root + "/echo_sessions/key"
	c.setRules(string(rules))
	const document = `{"fields": {"data": {"stringValue": "{}"}}}`
	if status := c.do(http.MethodPatch, session, "owner", document); status != http.StatusOK {
		t.Fatalf("the server itself may not write: %d", status)
	}
	requests := []struct{ name, method, path, body string }{
		{"read a session", http.MethodGet, session, ""},
		{"list the sessions", http.MethodGet, root + "/echo_sessions", ""},
		{"query the sessions", http.MethodPost, root + ":runQuery", `{"structuredQuery": {"from": [{"collectionId": "echo_sessions"}]}}`},
		{"change a session", http.MethodPatch, session, document},
		{"make a session", http.MethodPost, root + "/echo_sessions?documentId=forged", document},
		{"read what is not there", http.MethodGet, root + "/other/key", ""},
		{"delete a session", http.MethodDelete, session, ""},
	}
	for who, token := range map[string]string{"nobody": "", "a user": userToken(c.project)} {
		for _, r := range requests {
			if status := c.do(r.method, r.path, token, r.body); status != http.StatusForbidden {
				t.Errorf("%s may %s: %d", who, r.name, status)
			}
		}
	}
	// The same requests under other rules, so that they are not refused for another reason.
	c.setRules("rules_version = '2'; service cloud.firestore { match /{path=**} { allow read, write; } }")
	for _, r := range requests {
		if status := c.do(r.method, r.path, "", r.body); status == http.StatusForbidden {
			t.Errorf("without the rules, nobody may %s", r.name)
		}
	}
}
