package model

import (
	"bytes"
	"log/slog"
	"net/http"
	"testing"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"

	"github.com/echofirestore/echofirestore/firesession"
)

// A process is one of those that serve the application, each with a Store of its own. What it knows is what its Store was told
// in an answer before the history's last step.
type process struct {
	handler http.Handler
	stored  map[string]int  // by document, the tick of the latest version that it has stored
	ended   map[string]bool // documents that it has deleted
}

// newProcess starts one more process.
func (h *history) newProcess(t testing.TB, host Host) *process {
	t.Helper()
	cfg := firesession.Config{
		Client:      h.network.Client,
		Collection:  h.collection,
		MaxAge:      modelMaxAge,
		TouchAfter:  modelTouchAfter,
		UserKey:     sidKey,
		KeyFactory:  h.newKey,
		HashKeys:    h.hashed,
		SigningKeys: h.signingKeys(),
		CacheFor:    h.cacheFor,
		Now:         h.clock.Now,
		Logger:      slog.New(logHandler{}),
	}
	if h.cacheFor > 0 {
		cfg.CacheBytes = 1 << 20 // two bulky sessions are too many
	}
	handler := host(t, cfg, func(w http.ResponseWriter, r *http.Request, s Sessions) error {
		return r.Context().Value(visitKey{}).(*visit).handle(r.Context(), w, s)
	})
	return &process{handler: handler, stored: make(map[string]int), ended: make(map[string]bool)}
}

// signingKeys returns Config.SigningKeys: with a cache, there must be some.
func (h *history) signingKeys() [][]byte {
	if h.cacheFor == 0 {
		return nil
	}
	return [][]byte{bytes.Repeat([]byte("h"), 32)}
}

// learn notes what a commit has done that was applied at some tick.
func (p *process) learn(req *pb.CommitRequest, tick int) {
	for _, w := range req.GetWrites() {
		if doc := w.GetUpdate(); doc != nil {
			id := idOf(doc.GetName())
			p.stored[id] = max(p.stored[id], tick)
		} else {
			p.ended[idOf(w.GetDelete())] = true
		}
	}
}
