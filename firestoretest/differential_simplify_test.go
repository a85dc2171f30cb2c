package firestoretest

import (
	"iter"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// simplify removes parts of the message as long as it fails.
func simplify(m proto.Message, fails func(proto.Message) bool) proto.Message {
	for {
		simpler := firstThat(simplerThan(m.ProtoReflect()), fails)
		if simpler == nil {
			return m
		}
		m = simpler
	}
}

func firstThat(candidates iter.Seq[protoreflect.Message], fails func(proto.Message) bool) proto.Message {
	for c := range candidates {
		if m := c.Interface(); fails(m) {
			return m
		}
	}
	return nil
}

// simplerThan returns copies of the message, each without one of its parts or with a simpler one.
func simplerThan(m protoreflect.Message) iter.Seq[protoreflect.Message] {
	return func(yield func(protoreflect.Message) bool) {
		changed := func(change func(protoreflect.Message)) bool {
			c := proto.Clone(m.Interface()).ProtoReflect()
			change(c)
			return yield(c)
		}
		for i := range m.Descriptor().Fields().Len() {
			field := m.Descriptor().Fields().Get(i)
			if !m.Has(field) {
				continue
			}
			if !changed(func(c protoreflect.Message) { c.Clear(field) }) {
				return
			}
			switch {
			case field.IsMap() || field.Message() == nil:
			case field.IsList():
				for j := range m.Get(field).List().Len() {
					if !changed(func(c protoreflect.Message) { remove(c.Mutable(field).List(), j) }) {
						return
					}
					for simpler := range simplerThan(m.Get(field).List().Get(j).Message()) {
						if !changed(func(c protoreflect.Message) {
							c.Mutable(field).List().Set(j, protoreflect.ValueOfMessage(simpler))
						}) {
							return
						}
					}
				}
			default:
				for simpler := range simplerThan(m.Get(field).Message()) {
					if !changed(func(c protoreflect.Message) { c.Set(field, protoreflect.ValueOfMessage(simpler)) }) {
						return
					}
				}
			}
		}
	}
}

func remove(list protoreflect.List, i int) {
	for ; i+1 < list.Len(); i++ {
		list.Set(i, list.Get(i+1))
	}
	list.Truncate(i)
}
