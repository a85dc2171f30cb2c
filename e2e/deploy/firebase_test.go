package deploy_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/echofirestore/echofirestore/internal/npm"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// TestFirebase checks the files and commands of example/ against the Firebase CLI: firebase.json by its JSON schema, the
// indexes by the code that reads them, each command and option by its source.
func TestFirebase(t *testing.T) {
	t.Parallel()
	cli := npm.Unpack(t, "firebase-tools")

	schema, err := jsonschema.NewCompiler().Compile(filepath.Join(cli, "schema", "firebase-config.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(decode[any](t, example("firebase.json"))); err != nil {
		t.Errorf("firebase.json: %v", err)
	}

	output, err := exec.CommandContext(t.Context(), "node", "indexes.js", cli, example("firestore.indexes.json")).CombinedOutput()
	if err != nil {
		t.Errorf("firestore.indexes.json: %v: %s", err, output)
	}

	found := 0
	for _, command := range commands(t, "firebase") {
		words := strings.Fields(command.text)
		source, err := os.ReadFile(filepath.Join(cli, "lib", "commands", strings.ReplaceAll(words[1], ":", "-")+".js"))
		if err != nil {
			t.Errorf("%s: %s: %v", command.page, command.text, err)
			continue
		}
		general, err := os.ReadFile(filepath.Join(cli, "lib", "index.js"))
		if err != nil {
			t.Fatal(err)
		}
		for _, option := range regexp.MustCompile(`--[a-z-]+`).FindAllString(command.text, -1) {
			declared := regexp.MustCompile(`\.option\("(-\w, )?` + option + `[ "]`)
			if !declared.Match(source) && !declared.Match(general) {
				t.Errorf("%s: %s: there is no %s", command.page, command.text, option)
			}
		}
		t.Log(command.page, command.text)
		found++
	}
	if found < 2 {
		t.Errorf("%d firebase commands in our pages", found)
	}
}

// TestOnePlace makes sure that the program, its database and what stands in front of it are in one region.
func TestOnePlace(t *testing.T) {
	t.Parallel()
	config := decode[struct {
		Hosting struct {
			Rewrites []struct{ Run struct{ Region string } }
		}
		Firestore struct{ Location string }
	}](t, example("firebase.json"))
	page, err := os.ReadFile(example("README.md"))
	if err != nil {
		t.Fatal(err)
	}
	region := regexp.MustCompile(`REGION=(\S+)`).FindStringSubmatch(string(page))
	if region == nil || config.Firestore.Location != region[1] || config.Hosting.Rewrites[0].Run.Region != region[1] {
		t.Errorf("the page has %v, firebase.json %+v", region, config)
	}
}

func example(file string) string { return filepath.Join("..", "..", "example", file) }

func decode[T any](t *testing.T, file string) (value T) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &value); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return value
}
