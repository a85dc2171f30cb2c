package deploy_test

import (
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
)

// A row is what a command asks Google Cloud for: its last request, as method, host and path, and a part of the body.
type row struct{ command, request, body string }

const databasePath = "/v1/projects/my-project/databases"

var rows = []row{
	{"gcloud config set project", "", ""},
	{"gcloud services enable cloudscheduler.googleapis.com", "POST serviceusage.test/v1/projects/my-project/services/cloudscheduler.googleapis.com:enable", ""},
	{"gcloud services enable", "POST serviceusage.test/v1/projects/my-project/services:batchEnable", `"serviceIds": ["`},
	{"gcloud artifacts repositories create", "POST artifactregistry.test/v1/projects/my-project/locations/europe-west1/repositories", `"format": "DOCKER"`},
	{"gcloud auth configure-docker", "", ""},
	{"gcloud firestore databases create", "POST firestore.test" + databasePath, `"locationId": "europe-west1"`},
	{"gcloud iam service-accounts create", "POST iam.test/v1/projects/my-project/serviceAccounts", `"accountId": "echofirestore-`},
	{"gcloud projects add-iam-policy-binding", "POST cloudresourcemanager.test/v1/projects/my-project:setIamPolicy", `"role": "roles/datastore.user"`},
	{"gcloud firestore fields ttls update expire --database=sessions", "PATCH firestore.test" + databasePath + "/sessions/collectionGroups/echo_sessions/fields/expire", `"ttlConfig": {}`},
	{"gcloud firestore indexes fields update expire --database=sessions", "PATCH firestore.test" + databasePath + "/sessions/collectionGroups/echo_sessions/fields/expire", `"indexConfig": {}`},
	{"gcloud firestore fields ttls update", "PATCH firestore.test" + databasePath + "/(default)/collectionGroups/echo_sessions/fields/expire", `"ttlConfig": {}`},
	{"gcloud firestore indexes fields update", "PATCH firestore.test" + databasePath + "/(default)/collectionGroups/echo_sessions/fields/expire", `"indexConfig": {}`},
	{"gcloud run jobs deploy", "POST europe-west1-run.test/apis/run.googleapis.com/v1/namespaces/my-project/jobs", `"serviceAccountName": "echofirestore-sweep@`},
	{"gcloud run jobs add-iam-policy-binding", "POST run.test/v1/projects/my-project/locations/europe-west1/jobs/echofirestore-sweep:setIamPolicy", `"role": "roles/run.invoker"`},
	{"gcloud run jobs execute", "POST europe-west1-run.test/apis/run.googleapis.com/v1/namespaces/my-project/jobs/echofirestore-sweep:run", ""},
	{"gcloud scheduler jobs create http", "POST cloudscheduler.test/v1/projects/my-project/locations/europe-west1/jobs", `"schedule": "17 3 * * *"`},
	{"gcloud run deploy", "POST europe-west1-run.test/apis/serving.knative.dev/v1/namespaces/my-project/services", `"serviceAccountName": "echofirestore-example@my-project.iam.gserviceaccount.com"`},
}

// TestCommands runs every gcloud command of our pages. In the place of Google Cloud, a server of this test writes down what it
// is asked for, and refuses it. So a command that does not exist, a flag that it does not have or a value that it does not
// take fails here, as it would for a reader.
func TestCommands(t *testing.T) {
	t.Parallel()
	table := tabwriter.NewWriter(t.Output(), 0, 0, 2, ' ', 0)
	used := make(map[string]bool)
	home := t.TempDir()
	for _, command := range commands(t, "gcloud") {
		i := slices.IndexFunc(rows, func(r row) bool { return strings.HasPrefix(command.text+" ", r.command+" ") })
		if i < 0 {
			t.Errorf("%s: no row for %s", command.page, command.text)
			continue
		}
		used[rows[i].command] = true
		cloud := newCloud(t)
		output, err := cloud.run(t, home, command.text)
		last := cloud.last()
		if rows[i].request == "" {
			if err != nil {
				t.Errorf("%s: %s: %v\n%s", command.page, command.text, err, output)
			}
		} else if last.request != rows[i].request || !strings.Contains(last.body, rows[i].body) {
			t.Errorf("%s: %s\nasks for %s %s\nwant %s …%s…\n%s", command.page, command.text, last.request, last.body, rows[i].request, rows[i].body, output)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\n", command.page, command.text, last.request)
	}
	for _, r := range rows {
		if !used[r.command] {
			t.Errorf("no page has %s", r.command)
		}
	}
	_ = table.Flush()
}

// A command stands on a page.
type command struct{ page, text string }

// commands returns the commands of a program in the code blocks of all pages, but those that start the emulator, as
// scripts/with-emulator.sh does.
func commands(t *testing.T, program string) []command {
	t.Helper()
	var found []command
	root := os.DirFS(filepath.Join("..", ".."))
	block := regexp.MustCompile("(?ms)^```sh\n(.*?)^```$")
	start := regexp.MustCompile(`(?:^|&& )(` + program + ` [^&()#]*)`)
	err := fs.WalkDir(root, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() && (d.Name() == "node_modules" || d.Name() == ".git") {
			return fs.SkipDir
		}
		if filepath.Ext(path) != ".md" {
			return nil
		}
		page, err := fs.ReadFile(root, path)
		if err != nil {
			return err
		}
		for _, match := range block.FindAllStringSubmatch(string(page), -1) {
			for line := range strings.Lines(strings.ReplaceAll(match[1], "\\\n", " ")) {
				match := start.FindStringSubmatch(strings.Join(strings.Fields(line), " "))
				if match != nil && !strings.HasPrefix(match[1], "gcloud emulators ") {
					found = append(found, command{path, strings.TrimSpace(match[1])})
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// A cloud is Google Cloud as gcloud reaches it: by a proxy that answers itself.
type cloud struct {
	*httptest.Server
	mu    sync.Mutex
	asked asked
}

// asked is what Google Cloud was asked for.
type asked struct{ request, body string }

func newCloud(t *testing.T) *cloud {
	t.Helper()
	c := new(cloud)
	c.Server = httptest.NewServer(c)
	t.Cleanup(c.Close)
	return c
}

// ServeHTTP refuses all that would change anything.
func (c *cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	c.mu.Lock()
	c.asked = asked{r.Method + " " + r.URL.Host + r.URL.Path, string(body)}
	c.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	switch {
	case strings.HasSuffix(r.URL.Path, ":getIamPolicy"):
		_, _ = io.WriteString(w, `{"version": 1, "etag": "BwXhqhCIE1I="}`)
	case r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/services/run.googleapis.com"):
		_, _ = io.WriteString(w, `{"name": "projects/1/services/run.googleapis.com", "state": "ENABLED"}`)
	case r.Method == http.MethodGet:
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, `{"error": {"code": 404, "message": "not here", "status": "NOT_FOUND"}}`)
	default:
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, `{"error": {"code": 403, "message": "not here", "status": "PERMISSION_DENIED"}}`)
	}
}

func (c *cloud) last() asked {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.asked
}

// run runs a command as a reader's shell does, for somebody whose home directory is home.
func (c *cloud) run(t *testing.T, home, text string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sh", "-ec", text)
	cmd.Env = append(os.Environ(),
		"HOME="+home, "CLOUDSDK_CONFIG="+filepath.Join(home, "gcloud"),
		"PROJECT=my-project", "REGION=europe-west1", "IMAGE=europe-west1-docker.pkg.dev/my-project/containers/echofirestore-example",
		"SWEEP_IMAGE=europe-west1-docker.pkg.dev/my-project/containers/echofirestore-sweep",
		"ACCOUNT=echofirestore-sweep@my-project.iam.gserviceaccount.com",
		"CLOUDSDK_CORE_PROJECT=my-project", "CLOUDSDK_CORE_DISABLE_PROMPTS=1", "CLOUDSDK_CORE_DISABLE_USAGE_REPORTING=1",
		"CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK=1", "CLOUDSDK_AUTH_DISABLE_CREDENTIALS=1",
		"http_proxy="+c.URL, "https_proxy="+c.URL, "HTTP_PROXY="+c.URL, "HTTPS_PROXY="+c.URL, "no_proxy=", "NO_PROXY=",
	)
	for _, api := range []string{"firestore", "serviceusage", "artifactregistry", "iam", "cloudresourcemanager", "run", "cloudscheduler"} {
		cmd.Env = append(cmd.Env, "CLOUDSDK_API_ENDPOINT_OVERRIDES_"+strings.ToUpper(api)+"=http://"+api+".test/")
	}
	output, err := cmd.CombinedOutput()
	return string(output), err
}
