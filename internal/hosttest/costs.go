package hosttest

// costs are what requests cost.
var costs = []row{
	{name: "not touched", stored: `{"n":1}`, steps: []step{{use: nothing, want: "200 ok"}}},
	{name: "read, no cookie", steps: []step{{use: read("n"), want: "200 <nil>; varies"}}},
	{name: "read", stored: `{"n":1}`, steps: []step{{use: read("n"), want: "200 1; varies; 1 read"}}},
	{name: "new and not empty", steps: []step{{use: set("n", 1), want: `200 ok; issued; 1 write; {"n":1}`}}},
	{name: "changed", stored: `{"n":1}`, steps: []step{{use: set("n", 2), want: `200 ok; issued; 1 read, 1 write; {"n":2}`}}},
	{name: "emptied", stored: `{"n":1}`, steps: []step{{use: empty, want: `200 ok; deleted; 1 read, 1 delete; nothing stored`}}},
	{name: "renewed", stored: `{"n":1}`, steps: []step{{use: renew, want: `200 ok; issued; 1 read, 1 write, 1 delete`}}},
	{name: "destroyed", needs: Functions, stored: `{"n":1}`, steps: []step{{use: destroy, want: `200 ok; deleted; 1 delete; nothing stored`}}},
}
