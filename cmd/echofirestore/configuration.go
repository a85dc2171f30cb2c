package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	admin "cloud.google.com/go/firestore/apiv1/admin"
	"cloud.google.com/go/firestore/apiv1/admin/adminpb"
	"google.golang.org/api/iterator"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// configuration asks the Admin API how the database is configured.
func (i *inspection) configuration(ctx context.Context, c *call) []finding {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	client, err := c.connectAdmin(ctx)
	if err != nil {
		return []finding{{Check: "configuration", State: stateFailed, Detail: "connect to the Admin API: " + err.Error()}}
	}
	defer client.Close()
	a := administration{inspection: *i, client: client, gcloud: c.gcloud()}
	db, row := a.mode(ctx)
	rows := []finding{row}
	switch {
	case db == nil:
		return rows
	case db.GetDatabaseEdition() == adminpb.Database_ENTERPRISE:
		return append(rows, a.enterprise(ctx)...)
	default:
		return append(rows, a.standard(ctx)...)
	}
}

// An administration compares the configuration of a database with what it should be.
type administration struct {
	inspection
	gcloud
	client *admin.FirestoreAdminClient
}

func (a *administration) databaseName() string {
	return "projects/" + a.project + "/databases/" + a.database
}

func (a *administration) collectionGroup() string {
	return a.databaseName() + "/collectionGroups/" + a.collection
}

// mode returns the database, nil if there is nothing more to ask of it, and judges its mode.
func (a *administration) mode(ctx context.Context) (*adminpb.Database, finding) {
	row := finding{Check: "database", State: stateOK}
	db, err := a.client.GetDatabase(ctx, &adminpb.GetDatabaseRequest{Name: a.databaseName()})
	if err != nil {
		row = a.refused("database", err)
		if status.Code(err) == codes.NotFound {
			row.State, row.Repair = stateRepair, a.createDatabase()
		}
		return nil, row
	}
	if db.GetType() == adminpb.Database_DATASTORE_MODE {
		row.State, row.Repair = stateRepair, a.nativeMode()
		row.Detail = "it is in Datastore mode; sessions need Native mode (only an empty database can be changed)"
		return nil, row
	}
	edition := "Standard"
	if db.GetDatabaseEdition() == adminpb.Database_ENTERPRISE {
		edition = "Enterprise"
	}
	row.Detail = fmt.Sprintf("Native mode, %s edition, %s", edition, db.GetLocationId())
	return db, row
}

// standard looks at the fields of a database in which each field has an index unless it is exempt.
func (a *administration) standard(ctx context.Context) []finding {
	var rows []finding
	if expire, err := a.field(ctx, fieldExpire); err != nil {
		rows = append(rows, a.refused("TTL on expire", err), a.refused("index on expire", err))
	} else {
		rows = append(rows, a.ttl(expire), a.expireIndex(indexesOf(expire)))
	}
	if a.noUsers {
		rows = append(rows, skippedUsers)
	} else if user, err := a.field(ctx, fieldUser); err != nil {
		rows = append(rows, a.refused("index on user", err))
	} else {
		rows = append(rows, required("index on user", "finds the sessions of a user", indexesOf(user), a.index(fieldUser)))
	}
	if data, err := a.field(ctx, fieldData); err != nil {
		rows = append(rows, a.refused("index on data", err))
	} else {
		rows = append(rows, a.dataIndex(indexesOf(data)))
	}
	return rows
}

// enterprise looks at a database that has no index unless somebody has created it.
func (a *administration) enterprise(ctx context.Context) []finding {
	var rows []finding
	if expire, err := a.field(ctx, fieldExpire); err != nil {
		rows = append(rows, a.refused("TTL on expire", err))
	} else {
		rows = append(rows, a.ttl(expire))
	}
	indexes, err := a.composites(ctx)
	if err != nil {
		return append(rows, a.refused("indexes", err))
	}
	if a.sweeps {
		rows = append(rows, required("index on expire", "finds expired sessions", indexes[fieldExpire], a.compositeIndex(fieldExpire)))
	}
	if a.noUsers {
		return append(rows, skippedUsers)
	}
	return append(rows, required("index on user", "finds the sessions of a user", indexes[fieldUser], a.compositeIndex(fieldUser)))
}

var skippedUsers = finding{Check: "index on user", State: stateSkipped, Detail: "the application has no Config.UserKey"}

func (a *administration) field(ctx context.Context, name string) (*adminpb.Field, error) {
	return a.client.GetField(ctx, &adminpb.GetFieldRequest{Name: a.collectionGroup() + "/fields/" + name})
}

// composites returns the indexes that were created for the collection, by their first field.
func (a *administration) composites(ctx context.Context) (map[string][]adminpb.Index_State, error) {
	indexes := make(map[string][]adminpb.Index_State)
	for it := a.client.ListIndexes(ctx, &adminpb.ListIndexesRequest{Parent: a.collectionGroup()}); ; {
		index, err := it.Next()
		if errors.Is(err, iterator.Done) {
			return indexes, nil
		}
		if err != nil {
			return nil, err
		}
		if fields := index.GetFields(); len(fields) > 0 && index.GetQueryScope() == adminpb.Index_COLLECTION {
			name := fields[0].GetFieldPath()
			indexes[name] = append(indexes[name], index.GetState())
		}
	}
}

// indexesOf returns the states of the indexes by which queries of the collection find and order values of a field.
func indexesOf(field *adminpb.Field) []adminpb.Index_State {
	var states []adminpb.Index_State
	for _, index := range field.GetIndexConfig().GetIndexes() {
		ordered := slices.ContainsFunc(index.GetFields(), func(f *adminpb.Index_IndexField) bool {
			return f.GetOrder() != adminpb.Index_IndexField_ORDER_UNSPECIFIED
		})
		if ordered && index.GetQueryScope() == adminpb.Index_COLLECTION {
			states = append(states, index.GetState())
		}
	}
	return states
}

// ttl judges the TTL policy on expire.
func (a *administration) ttl(expire *adminpb.Field) finding {
	row := finding{Check: "TTL on expire", State: stateRepair, Repair: a.enableTTL(fieldExpire)}
	switch ttl := expire.GetTtlConfig(); {
	case ttl == nil && a.sweeps:
		return finding{Check: row.Check, State: stateOK, Detail: "none; sweep deletes expired sessions"}
	case ttl == nil:
		row.Detail = "none: the documents of expired sessions stay forever, unless a job runs sweep (then: -sweep)"
	case ttl.GetState() == adminpb.Field_TtlConfig_NEEDS_REPAIR:
		row.Detail = "Firestore could not apply it to all documents: enable it again"
	case ttl.GetState() == adminpb.Field_TtlConfig_CREATING:
		return finding{Check: row.Check, State: stateWait, Detail: "Firestore is applying it to the documents that are there"}
	case ttl.GetState() != adminpb.Field_TtlConfig_ACTIVE:
		return finding{Check: row.Check, State: stateFailed, Detail: "in a state that this program does not know: " + ttl.GetState().String()}
	default:
		detail := "active"
		if offset := ttl.GetExpirationOffset().AsDuration(); offset > 0 {
			detail += fmt.Sprintf(", with an offset: documents stay for %v after the session", offset)
		}
		return finding{Check: row.Check, State: stateOK, Detail: detail}
	}
	return row
}

// expireIndex judges the indexes on expire: rising values make an index a bottleneck, and only a sweep needs it.
func (a *administration) expireIndex(states []adminpb.Index_State) finding {
	const check = "index on expire"
	switch {
	case a.sweeps:
		return required(check, "finds expired sessions", states, a.index(fieldExpire))
	case len(states) > 0:
		detail := "indexed: that limits the collection to about 500 saves per second, and nothing needs it"
		return finding{check, stateRepair, detail, a.exempt(fieldExpire)}
	default:
		return finding{Check: check, State: stateOK, Detail: "none"}
	}
}

func (a *administration) dataIndex(states []adminpb.Index_State) finding {
	if len(states) > 0 {
		return finding{"index on data", stateAdvice, "indexed: that costs storage, and time with each write", a.exempt(fieldData)}
	}
	return finding{Check: "index on data", State: stateOK, Detail: "none"}
}

// required judges an index that must be there.
func required(check, does string, states []adminpb.Index_State, repair string) finding {
	switch {
	case slices.Contains(states, adminpb.Index_READY):
		return finding{Check: check, State: stateOK, Detail: does}
	case slices.Contains(states, adminpb.Index_CREATING):
		return finding{Check: check, State: stateWait, Detail: "Firestore is building it"}
	case slices.Contains(states, adminpb.Index_NEEDS_REPAIR):
		return finding{check, stateRepair, "Firestore could not build it: create it again", repair}
	default:
		return finding{check, stateRepair, "none: it " + does, repair}
	}
}

// refused returns what an error of the Admin API means for a check.
func (a *administration) refused(check string, err error) finding {
	row := finding{Check: check, State: stateFailed, Detail: "Admin API: " + status.Convert(err).Message()}
	switch code := status.Code(err); {
	case disabled(err):
		row.Repair = a.enableAPI()
	case code == codes.PermissionDenied:
		row.Repair = a.grant("roles/datastore.viewer")
	case code == codes.DeadlineExceeded:
		row.Detail = "Admin API: no answer"
	default:
		row.Detail = fmt.Sprintf("Admin API: %v: %s", code, strings.TrimSpace(status.Convert(err).Message()))
	}
	return row
}

// disabled reports whether a call was refused because the project does not use the API.
func disabled(err error) bool {
	return slices.ContainsFunc(status.Convert(err).Details(), func(detail any) bool {
		info, ok := detail.(*errdetails.ErrorInfo)
		return ok && info.GetReason() == "SERVICE_DISABLED"
	})
}
