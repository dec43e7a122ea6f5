package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
)

// redactValue returns a copy of v in which every text is redacted: strings, keys of
// maps, and JSON. Fields that are not exported are taken over as they are.
func redactValue[T any](r *redactor, v T) T {
	if r == nil {
		return v
	}
	out := reflect.New(reflect.TypeOf(&v).Elem()).Elem()
	out.Set(r.reflected(reflect.ValueOf(&v).Elem()))
	return out.Interface().(T)
}

var rawMessage = reflect.TypeFor[json.RawMessage]()

func (r *redactor) reflected(v reflect.Value) reflect.Value {
	switch v.Kind() {
	case reflect.String:
		out := reflect.New(v.Type()).Elem()
		out.SetString(r.text(v.String()))
		return out
	case reflect.Pointer:
		if v.IsNil() {
			return v
		}
		out := reflect.New(v.Type().Elem())
		out.Elem().Set(r.reflected(v.Elem()))
		return out
	case reflect.Interface:
		if v.IsNil() {
			return v
		}
		return r.reflected(v.Elem())
	case reflect.Struct:
		out := reflect.New(v.Type()).Elem()
		out.Set(v)
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				out.Field(i).Set(r.reflected(v.Field(i)))
			}
		}
		return out
	case reflect.Slice:
		return r.reflectedSlice(v)
	case reflect.Array:
		out := reflect.New(v.Type()).Elem()
		for i := range v.Len() {
			out.Index(i).Set(r.reflected(v.Index(i)))
		}
		return out
	case reflect.Map:
		if v.IsNil() {
			return v
		}
		out := reflect.MakeMapWithSize(v.Type(), v.Len())
		keys := v.MapKeys()
		slices.SortFunc(keys, func(a, b reflect.Value) int { return cmp.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
		for _, k := range keys {
			out.SetMapIndex(r.reflected(k), r.reflected(v.MapIndex(k)))
		}
		return out
	}
	return v
}

func (r *redactor) reflectedSlice(v reflect.Value) reflect.Value {
	switch {
	case v.IsNil():
		return v
	case v.Type() == rawMessage:
		return reflect.ValueOf(json.RawMessage(r.json(v.Bytes())))
	case v.Type().Elem().Kind() == reflect.Uint8:
		return v
	}
	out := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
	for i := range v.Len() {
		out.Index(i).Set(r.reflected(v.Index(i)))
	}
	return out
}
