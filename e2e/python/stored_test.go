package python

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"cloud.google.com/go/firestore"
)

// data is the data field, as either language writes it: when it was changed, and the values.
var data = regexp.MustCompile(`(?s)^\{"created": ?(\d+), ?"session": ?(.*)\}$`)

// age makes the documents as old as they are after some time.
func (r *run) age(by time.Duration) error {
	docs, err := r.documents()
	if err != nil {
		return err
	}
	for _, doc := range docs {
		text, _ := doc.Data()["data"].(string)
		parts := data.FindStringSubmatch(text)
		if parts == nil {
			return fmt.Errorf("data is %q", text)
		}
		created, err := strconv.Atoi(parts[1])
		if err != nil {
			return err
		}
		aged := fmt.Sprintf(`{"created":%d,"session":%s}`, created-int(by.Seconds()), parts[2])
		updates := []firestore.Update{{Path: "data", Value: aged}}
		for _, name := range []string{"expire", "started"} {
			if at, ok := doc.Data()[name].(time.Time); ok {
				updates = append(updates, firestore.Update{Path: name, Value: at.Add(-by)})
			}
		}
		if _, err := doc.Ref.Update(r.t.Context(), updates); err != nil {
			return err
		}
	}
	return nil
}

// stored tells in a line what is stored: the values of each document, and its other fields.
func (r *run) stored() (string, error) {
	docs, err := r.documents()
	if err != nil {
		return "", err
	}
	var lines []string
	for _, doc := range docs {
		lines = append(lines, r.describe(doc.Data()))
	}
	slices.Sort(lines)
	return cmp.Or(strings.Join(lines, " and "), "nothing"), nil
}

func (r *run) describe(fields map[string]any) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		switch value := fields[name].(type) {
		case string:
			if name == "data" {
				value = valuesIn(value)
			} else {
				value = name + "=" + value
			}
			parts = append(parts, value)
		case time.Time:
			if name == "expire" {
				name += "=" + r.lifetime(value)
			}
			parts = append(parts, name)
		case nil:
			parts = append(parts, name+"=null")
		default:
			parts = append(parts, fmt.Sprintf("%s=%v", name, value))
		}
	}
	return strings.Join(parts, " ")
}

// valuesIn returns the values in a data field in the form that both applications have for them.
func valuesIn(text string) string {
	parts := data.FindStringSubmatch(text)
	if parts == nil {
		return text
	}
	var values map[string]any
	if err := json.Unmarshal([]byte(parts[2]), &values); err != nil {
		return parts[2]
	}
	sorted, err := json.Marshal(values)
	if err != nil {
		return parts[2]
	}
	return string(sorted)
}

// lifetime returns how long after the latest request a session expires, of the times that are used here.
func (r *run) lifetime(expire time.Time) string {
	earliest := r.latest.asked.Truncate(time.Microsecond) // as Firestore keeps it
	for _, lifetime := range []time.Duration{time.Minute, 10 * time.Minute, time.Hour, 2 * time.Hour} {
		if saved := expire.Add(-lifetime); !saved.Before(earliest) && saved.Before(time.Now()) {
			return fmt.Sprintf("%.0fs", lifetime.Seconds())
		}
	}
	return expire.String()
}
