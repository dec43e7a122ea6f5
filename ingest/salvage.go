package ingest

import (
	"context"
	"errors"
)

// SalvagedPrefix begins the name under which the records of a damaged object
// are kept, so that whatever tells where a record is from tells that, too. It
// sorts behind other names: of several deliveries of one event, a whole one is
// cited.
const SalvagedPrefix = "~salvaged:"

// salvagedObject is the name of what could be read of obj.
func salvagedObject(obj Object) Object {
	obj.Name = SalvagedPrefix + obj.Name
	return obj
}

// keep hands on the whole records in front of the damage of an object, as those
// of an object of their own, when somebody wants them. broken is the damage of
// an object that is held decompressed as far as it goes, or nil.
func (o *objectReader) keep(ctx context.Context, src Source, damaged *Entry, broken *brokenGzip, sink Sink) error {
	obj := salvagedObject(damaged.Object)
	if damaged.Status != StatusDamaged || damaged.Salvageable == 0 || o.salvage == nil || !o.salvage(obj) {
		return nil
	}
	o.keeping = true
	defer func() { o.keeping = false }()
	entry := &Entry{Object: obj, Status: StatusSalvaged}
	var err error
	switch {
	case broken != nil:
		err = o.pass(window{buf: o.plain, err: broken}, obj, entry, sink)
	case o.held:
		err = o.pass(window{buf: o.plain}, obj, entry, sink)
	default:
		err = o.streamedAs(ctx, src, damaged.Object, obj, entry, sink)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var fault *fault
	if errors.As(err, &fault) {
		return nil // it could be read a moment ago; the entry of the damage stands
	}
	damaged.Salvaged = entry.In - entry.Malformed
	return err
}
