//! What a type is, as text and as a check at compile time.

use postcard_schema::schema::{DataModelType, DataModelVariant, NamedType, NamedValue, NamedVariant};

/// A list of fields, variants or elements as it is written.
fn list<T>(text: &mut String, [open, close]: [&str; 2], items: &[T], mut one: impl FnMut(&mut String, &T)) {
    text.push_str(open);
    for (number, item) in items.iter().enumerate() {
        if number > 0 {
            text.push_str(", ");
        }
        one(text, item);
    }
    text.push_str(close);
}

/// Writes a type out to its last field: names of types, fields and variants are part of it, because they are part of what is
/// agreed; where its Rust definition stands, and whether a text is borrowed, are not.
pub(super) fn write_type(text: &mut String, schema: &NamedType) {
    match schema.ty {
        DataModelType::Option(some) => around(text, "Option<", some, ">"),
        DataModelType::Seq(element) => around(text, "[", element, "]"),
        DataModelType::Tuple(elements) => write_tuple(text, schema.name, elements),
        DataModelType::Map { key, val } => {
            around(text, "{", key, ": ");
            around(text, "", val, "}");
        }
        DataModelType::NewtypeStruct(inner) => {
            text.push_str(schema.name);
            around(text, "(", inner, ")");
        }
        DataModelType::UnitStruct => text.push_str(schema.name),
        DataModelType::TupleStruct(elements) => {
            text.push_str(schema.name);
            list(text, ["(", ")"], elements, |text, element| write_type(text, element));
        }
        DataModelType::Struct(fields) => {
            text.push_str(schema.name);
            write_fields(text, fields);
        }
        DataModelType::Enum(variants) => write_enum(text, schema.name, variants),
        plain => text.push_str(name_of_plain(plain)),
    }
}

fn around(text: &mut String, open: &str, inner: &NamedType, close: &str) {
    text.push_str(open);
    write_type(text, inner);
    text.push_str(close);
}

fn write_fields(text: &mut String, fields: &[&NamedValue]) {
    list(text, [" { ", " }"], fields, |text, field| {
        text.push_str(field.name);
        around(text, ": ", field.ty, "");
    });
}

/// An array says of itself that it is one; by its bytes it is a tuple.
fn write_tuple(text: &mut String, name: &str, elements: &[&NamedType]) {
    match elements {
        [first, ..] if name == "[T; N]" => {
            around(text, "[", first, "; ");
            text.push_str(&elements.len().to_string());
            text.push(']');
        }
        _ => list(text, ["(", ")"], elements, |text, element| write_type(text, element)),
    }
}

/// A `Result` is written as such, because everybody knows what its variants are.
fn write_enum(text: &mut String, name: &str, variants: &[&NamedVariant]) {
    if let ("Result<T, E>", [ok, err]) = (name, variants) {
        if let (DataModelVariant::TupleVariant([ok]), DataModelVariant::TupleVariant([err])) = (ok.ty, err.ty) {
            return write_result(text, ok, err);
        }
    }
    text.push_str(name);
    list(text, [" { ", " }"], variants, |text, variant| {
        text.push_str(variant.name);
        match variant.ty {
            DataModelVariant::UnitVariant => {}
            DataModelVariant::NewtypeVariant(inner) => around(text, "(", inner, ")"),
            DataModelVariant::TupleVariant(elements) => {
                list(text, ["(", ")"], elements, |text, element| write_type(text, element));
            }
            DataModelVariant::StructVariant(fields) => write_fields(text, fields),
        }
    });
}

pub(super) fn write_result(text: &mut String, ok: &NamedType, err: &NamedType) {
    around(text, "Result<", ok, ", ");
    around(text, "", err, ">");
}

fn name_of_plain(plain: &DataModelType) -> &'static str {
    match plain {
        DataModelType::Bool => "bool",
        DataModelType::I8 => "i8",
        DataModelType::U8 => "u8",
        DataModelType::I16 => "i16",
        DataModelType::I32 => "i32",
        DataModelType::I64 => "i64",
        DataModelType::I128 => "i128",
        DataModelType::U16 => "u16",
        DataModelType::U32 => "u32",
        DataModelType::U64 => "u64",
        DataModelType::U128 => "u128",
        DataModelType::Usize => "usize",
        DataModelType::Isize => "isize",
        DataModelType::F32 => "f32",
        DataModelType::F64 => "f64",
        DataModelType::Char => "char",
        DataModelType::String => "String",
        DataModelType::ByteArray => "bytes",
        DataModelType::Unit => "()",
        DataModelType::Schema => "Schema",
        // Written out above.
        _ => "",
    }
}

/// Whether every list in the type has elements that take room. A list of nothings names 2^64 of them in ten bytes, and whoever
/// decodes it is busy for ever; so such an interface does not compile.
pub(super) const fn is_bounded(schema: &NamedType) -> bool {
    match schema.ty {
        DataModelType::Option(inner) | DataModelType::NewtypeStruct(inner) => is_bounded(inner),
        DataModelType::Seq(element) => takes_room(element) && is_bounded(element),
        DataModelType::Map { key, val } => (takes_room(key) || takes_room(val)) && is_bounded(key) && is_bounded(val),
        DataModelType::Tuple(elements) | DataModelType::TupleStruct(elements) => are_bounded(elements),
        DataModelType::Struct(fields) => are_bounded_fields(fields),
        DataModelType::Enum(variants) => are_bounded_variants(variants),
        _ => true,
    }
}

const fn are_bounded(mut elements: &[&NamedType]) -> bool {
    while let [first, rest @ ..] = elements {
        if !is_bounded(first) {
            return false;
        }
        elements = rest;
    }
    true
}

const fn are_bounded_fields(mut fields: &[&NamedValue]) -> bool {
    while let [first, rest @ ..] = fields {
        if !is_bounded(first.ty) {
            return false;
        }
        fields = rest;
    }
    true
}

const fn are_bounded_variants(mut variants: &[&NamedVariant]) -> bool {
    while let [first, rest @ ..] = variants {
        let bounded = match first.ty {
            DataModelVariant::UnitVariant => true,
            DataModelVariant::NewtypeVariant(inner) => is_bounded(inner),
            DataModelVariant::TupleVariant(elements) => are_bounded(elements),
            DataModelVariant::StructVariant(fields) => are_bounded_fields(fields),
        };
        if !bounded {
            return false;
        }
        variants = rest;
    }
    true
}

/// Whether every value of the type takes at least a byte.
const fn takes_room(schema: &NamedType) -> bool {
    match schema.ty {
        DataModelType::Unit | DataModelType::UnitStruct => false,
        DataModelType::NewtypeStruct(inner) => takes_room(inner),
        DataModelType::Tuple(elements) | DataModelType::TupleStruct(elements) => any_takes_room(elements),
        DataModelType::Struct(fields) => any_field_takes_room(fields),
        _ => true,
    }
}

const fn any_takes_room(mut elements: &[&NamedType]) -> bool {
    while let [first, rest @ ..] = elements {
        if takes_room(first) {
            return true;
        }
        elements = rest;
    }
    false
}

const fn any_field_takes_room(mut fields: &[&NamedValue]) -> bool {
    while let [first, rest @ ..] = fields {
        if takes_room(first.ty) {
            return true;
        }
        fields = rest;
    }
    false
}
