package firestoretest

import (
	"slices"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
)

// filter is what a query asks of the documents that it finds.
type filter struct {
	matches func(*pb.Document) bool

	// inequalities are the fields by which the results are ordered if the query does not say how.
	inequalities []fieldPath

	// containments is how many array-contains must hold at once.
	containments int

	size   int                // how many filters it is made of that combine no others
	normal func() disjunction // makes its normal form
	text   string             // the same for filters that are the same, whatever the order of what they combine
}

// filterParser makes a filter of a request's, and gathers what it is made of.
type filterParser struct {
	database string // name of the one that is queried
	most     int    // how many filters there may be that combine no others

	negations   int  // !=, not-in, is not null, is not NaN
	notIn       bool // not-in
	disjunction bool // or, in, array-contains-any
	onFields    bool // any filter on another field than the name
	onName      bool // any filter on the name
	equalNames  bool // == or in, on the name
}

// parse returns the filter of a query; nil is one that every document passes.
func (p *filterParser) parse(req *pb.StructuredQuery_Filter) (filter, error) {
	if req == nil {
		return all(nil), p.check(all(nil))
	}
	f, err := p.filter(req)
	if err != nil {
		return filter{}, err
	}
	return f, p.check(f)
}

// check returns an error if the filter as a whole is not one that a query can have.
func (p *filterParser) check(f filter) error {
	if f.size > p.most { // which also limits the work on the normal form
		return invalid("A query cannot have more than %d filters, orders and documents above.", maxFilters)
	}
	disjunctions := len(f.normal())
	compared := slices.SortedFunc(slices.Values(f.inequalities), slices.Compare)
	fields := len(slices.CompactFunc(compared, slices.Equal))
	switch {
	case p.negations > 1:
		return invalid("Only one NOT_EQUAL, NOT_IN, IS_NOT_NAN or IS_NOT_NULL is allowed per query.")
	case p.notIn && p.disjunction:
		return invalid("NOT_IN cannot be used in the same query with IN, ARRAY_CONTAINS_ANY or OR.")
	case f.containments > 1:
		return invalid("A maximum of 1 ARRAY_CONTAINS filter is allowed per disjunction.")
	case disjunctions > maxDisjunctions:
		return invalid("The filter has %d disjunctions in its normal form, more than %d.", disjunctions, maxDisjunctions)
	case fields > maxInequalities:
		return invalid("The filter has inequalities on %d fields, more than %d.", fields, maxInequalities)
	case p.equalNames && fields > 0 && !slices.ContainsFunc(f.inequalities, fieldPath.isName):
		return invalid("With an inequality on a field, the name can only equal a value if it also has an inequality.")
	default:
		return nil
	}
}

func (p *filterParser) filter(req *pb.StructuredQuery_Filter) (filter, error) {
	switch t := req.GetFilterType().(type) {
	case *pb.StructuredQuery_Filter_CompositeFilter:
		return p.composite(t.CompositeFilter)
	case *pb.StructuredQuery_Filter_FieldFilter:
		return p.field(t.FieldFilter)
	case *pb.StructuredQuery_Filter_UnaryFilter:
		return p.unary(t.UnaryFilter)
	default:
		return filter{}, invalid("Unknown filter type.")
	}
}

func (p *filterParser) composite(req *pb.StructuredQuery_CompositeFilter) (filter, error) {
	var filters []filter
	known := map[string]bool{}
	for _, r := range req.GetFilters() {
		f, err := p.filter(r)
		if err != nil {
			return filter{}, err
		}
		if !known[f.text] {
			known[f.text] = true
			filters = append(filters, f)
		}
	}
	switch req.GetOp() {
	case pb.StructuredQuery_CompositeFilter_AND:
		return all(filters), nil
	case pb.StructuredQuery_CompositeFilter_OR:
		if len(filters) == 0 {
			return filter{}, invalid("An OR must have a filter.")
		}
		p.disjunction = true
		return anyOf(filters), nil
	default:
		return filter{}, invalid("Unsupported CompositeFilter operator.")
	}
}

func all(filters []filter) filter {
	f := filter{text: combinedText("and", filters)}
	for _, g := range filters {
		f.inequalities = append(f.inequalities, g.inequalities...)
		f.containments += g.containments
		f.size += g.size
	}
	f.normal = func() disjunction {
		d := always()
		for _, g := range filters {
			d = d.and(g.normal())
		}
		return d
	}
	f.matches = func(doc *pb.Document) bool {
		return !slices.ContainsFunc(filters, func(f filter) bool { return !f.matches(doc) })
	}
	return f
}

func anyOf(filters []filter) filter {
	f := filter{text: combinedText("or", filters)}
	for _, g := range filters {
		f.inequalities = append(f.inequalities, g.inequalities...)
		f.containments = max(f.containments, g.containments)
		f.size += g.size
	}
	f.normal = func() disjunction {
		d := disjunction{}
		for _, g := range filters {
			d = d.or(g.normal())
		}
		return d
	}
	f.matches = func(doc *pb.Document) bool {
		return slices.ContainsFunc(filters, func(f filter) bool { return f.matches(doc) })
	}
	return f
}

func (p *filterParser) unary(req *pb.StructuredQuery_UnaryFilter) (filter, error) {
	path, err := p.path(req.GetField())
	if err != nil {
		return filter{}, err
	}
	if path.isName() {
		return filter{}, invalid("%s is a document reference, neither null nor NaN.", nameField)
	}
	f := filter{size: 1, text: filterText(path, req.GetOp(), nil)}
	f.normal = func() disjunction { return atom(f.text) }
	var test func(*pb.Value) bool
	switch req.GetOp() {
	case pb.StructuredQuery_UnaryFilter_IS_NULL:
		test = isNull
	case pb.StructuredQuery_UnaryFilter_IS_NAN:
		test = isNaN
	case pb.StructuredQuery_UnaryFilter_IS_NOT_NULL:
		test = func(v *pb.Value) bool { return !isNull(v) }
		p.negate(&f, path)
	case pb.StructuredQuery_UnaryFilter_IS_NOT_NAN:
		test = func(v *pb.Value) bool { return !isNull(v) && !isNaN(v) }
		p.negate(&f, path)
	default:
		return filter{}, invalid("Unknown UnaryFilter operator.")
	}
	f.matches = on(path, test)
	return f, nil
}

func (p *filterParser) path(req *pb.StructuredQuery_FieldReference) (fieldPath, error) {
	path, err := parseFieldPath(req.GetFieldPath())
	p.onFields = p.onFields || !path.isName()
	p.onName = p.onName || path.isName()
	return path, err
}

// negate notes that the filter is for what a value is not, which counts as an inequality too.
func (p *filterParser) negate(f *filter, path fieldPath) {
	p.negations++
	f.inequalities = []fieldPath{path}
}

// on returns the test that a document has a value at the path for which test is true.
func on(path fieldPath, test func(*pb.Value) bool) func(*pb.Document) bool {
	return func(doc *pb.Document) bool {
		v := path.in(doc)
		return v != nil && test(v)
	}
}
