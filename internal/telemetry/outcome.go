package telemetry

// A Kind is what a store does for its caller. It is the value of db.operation.name in spans.
type Kind string

// The kinds of operations.
const (
	Load          Kind = "load"
	Save          Kind = "save"
	Update        Kind = "update"
	Destroy       Kind = "destroy"
	List          Kind = "list"
	Count         Kind = "count"
	Check         Kind = "check"
	Revoke        Kind = "revoke"
	RevokeUser    Kind = "revoke_user"
	RevokeAll     Kind = "revoke_all"
	DeleteExpired Kind = "delete_expired"
)

// saves reports whether operations of this kind count as saves.
func (k Kind) saves() bool { return k == Save || k == Update || k == Destroy }

// An Outcome is how an operation has ended.
type Outcome string

// The outcomes of loads. Missing, Expired and Malformed are those of a session that came up new although the client has a
// key; with several keys, the one that tells most.
const (
	Found     Outcome = "found"     // also of lists
	Cached    Outcome = "cached"    // found without asking Firestore
	Missing   Outcome = "missing"   // there is no document
	Expired   Outcome = "expired"   // there is one of a session that is over
	Malformed Outcome = "malformed" // there is one that does not hold a session
)

// The outcomes of saves.
const (
	Created Outcome = "created"
	Changed Outcome = "changed"
	Merged  Outcome = "merged"  // changed together with, or on top of, what other requests have changed
	Touched Outcome = "touched" // only the expiry was moved
	Renewed Outcome = "renewed"
	Deleted Outcome = "deleted" // also of Revoke and its like
)

// The outcomes of both, and of everything else.
const (
	None     Outcome = "none"     // the client has no key, or there was nothing to do
	Gone     Outcome = "gone"     // the session was over
	Conflict Outcome = "conflict" // others kept changing the session
	Failed   Outcome = "failed"
)
