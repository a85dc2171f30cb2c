package firestoretest

import (
	"fmt"
	"testing"

	"cloud.google.com/go/firestore"
	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
)

func BenchmarkGet(b *testing.B) {
	benchmarkBySize(b, func(doc *firestore.DocumentRef, _ int) error {
		_, err := doc.Get(b.Context())
		return err
	})
}

func BenchmarkSet(b *testing.B) {
	benchmarkBySize(b, func(doc *firestore.DocumentRef, i int) error {
		_, err := doc.Set(b.Context(), map[string]any{"i": i})
		return err
	})
}

// benchmarkBySize makes calls on a document among few others and among many, which must
// make no difference.
func benchmarkBySize(b *testing.B, call func(doc *firestore.DocumentRef, i int) error) {
	for _, n := range []int{1, 100_000} {
		b.Run(fmt.Sprintf("documents=%d", n), func(b *testing.B) {
			m := newMemory()
			s, err := serve(anyPort, memoryProject, m)
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { s.Close() })
			client, err := s.Client(b.Context())
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { client.Close() })
			for i := range n {
				name := client.Doc(fmt.Sprintf("c/%d", i)).Path
				m.docs.put(name, &pb.Document{Name: name, CreateTime: m.clock.now(), UpdateTime: m.clock.now()})
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if err := call(client.Doc("c/0"), i); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
