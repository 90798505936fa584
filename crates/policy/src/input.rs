//! From anything that has a JSON form straight to the engine's values, without the text in between.

use std::collections::BTreeMap;
use std::fmt;

use regorus::Value;
use serde::ser::{self, Serialize};

/// The value that the JSON form of `from` would be read as.
///
/// # Errors
///
/// What has no JSON form: maps whose keys are neither texts nor numbers, numbers that are not finite.
pub(crate) fn value(from: &impl Serialize) -> Result<Value, NoForm> {
    from.serialize(Build)
}

/// Why something has no JSON form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NoForm(String);

impl fmt::Display for NoForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NoForm {}

impl ser::Error for NoForm {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

/// An object of one member: how a variant with content is written.
fn tagged(name: &'static str, content: Value) -> Value {
    Value::from(BTreeMap::from([(Value::from(name), content)]))
}

struct Build;

macro_rules! numbers {
    ($($method:ident: $from:ty as $to:ty),* $(,)?) => {
        $(fn $method(self, number: $from) -> Result<Value, NoForm> {
            Ok(Value::from(<$to>::from(number)))
        })*
    };
}

impl ser::Serializer for Build {
    type Ok = Value;
    type Error = NoForm;
    type SerializeSeq = List;
    type SerializeTuple = List;
    type SerializeTupleStruct = List;
    type SerializeTupleVariant = List;
    type SerializeMap = Members;
    type SerializeStruct = Members;
    type SerializeStructVariant = Members;

    numbers! {
        serialize_i8: i8 as i64, serialize_i16: i16 as i64, serialize_i32: i32 as i64,
        serialize_i64: i64 as i64, serialize_u8: u8 as u64, serialize_u16: u16 as u64,
        serialize_u32: u32 as u64, serialize_u64: u64 as u64,
    }

    fn serialize_bool(self, truth: bool) -> Result<Value, NoForm> {
        Ok(Value::Bool(truth))
    }

    fn serialize_f32(self, number: f32) -> Result<Value, NoForm> {
        self.serialize_f64(number.into())
    }

    fn serialize_f64(self, number: f64) -> Result<Value, NoForm> {
        if number.is_finite() {
            Ok(Value::from(number))
        } else {
            Err(NoForm(format!("{number} has no JSON form")))
        }
    }

    fn serialize_char(self, char: char) -> Result<Value, NoForm> {
        Ok(Value::from(String::from(char)))
    }

    fn serialize_str(self, text: &str) -> Result<Value, NoForm> {
        Ok(Value::from(text))
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Result<Value, NoForm> {
        Ok(Value::from(bytes.iter().map(|byte| Value::from(u64::from(*byte))).collect::<Vec<_>>()))
    }

    fn serialize_none(self) -> Result<Value, NoForm> {
        Ok(Value::Null)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, some: &T) -> Result<Value, NoForm> {
        some.serialize(self)
    }

    fn serialize_unit(self) -> Result<Value, NoForm> {
        Ok(Value::Null)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<Value, NoForm> {
        Ok(Value::Null)
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<Value, NoForm> {
        Ok(Value::from(variant))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        inner: &T,
    ) -> Result<Value, NoForm> {
        inner.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        inner: &T,
    ) -> Result<Value, NoForm> {
        Ok(tagged(variant, inner.serialize(self)?))
    }

    fn serialize_seq(self, length: Option<usize>) -> Result<List, NoForm> {
        Ok(List::new(None, length))
    }

    fn serialize_tuple(self, length: usize) -> Result<List, NoForm> {
        Ok(List::new(None, Some(length)))
    }

    fn serialize_tuple_struct(self, _: &'static str, length: usize) -> Result<List, NoForm> {
        Ok(List::new(None, Some(length)))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<List, NoForm> {
        Ok(List::new(Some(variant), Some(length)))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Members, NoForm> {
        Ok(Members::new(None))
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Members, NoForm> {
        Ok(Members::new(None))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Members, NoForm> {
        Ok(Members::new(Some(variant)))
    }
}

/// A list being made.
struct List {
    tag: Option<&'static str>,
    items: Vec<Value>,
}

impl List {
    fn new(tag: Option<&'static str>, length: Option<usize>) -> Self {
        // A length is a hint from outside of this crate: it is not trusted with much memory.
        Self { tag, items: Vec::with_capacity(length.unwrap_or(0).min(1_024)) }
    }

    fn push<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), NoForm> {
        self.items.push(item.serialize(Build)?);
        Ok(())
    }

    fn finish(self) -> Value {
        let list = Value::from(self.items);
        match self.tag {
            Some(tag) => tagged(tag, list),
            None => list,
        }
    }
}

macro_rules! lists {
    ($($form:ident: $method:ident),* $(,)?) => {
        $(impl ser::$form for List {
            type Ok = Value;
            type Error = NoForm;

            fn $method<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), NoForm> {
                self.push(item)
            }

            fn end(self) -> Result<Value, NoForm> {
                Ok(self.finish())
            }
        })*
    };
}

lists! {
    SerializeSeq: serialize_element, SerializeTuple: serialize_element,
    SerializeTupleStruct: serialize_field, SerializeTupleVariant: serialize_field,
}

/// An object being made.
struct Members {
    tag: Option<&'static str>,
    key: Option<Value>,
    members: Vec<(Value, Value)>,
}

impl Members {
    fn new(tag: Option<&'static str>) -> Self {
        Self { tag, key: None, members: Vec::with_capacity(16) }
    }

    fn finish(self) -> Value {
        let object = Value::from(self.members.into_iter().collect::<BTreeMap<_, _>>());
        match self.tag {
            Some(tag) => tagged(tag, object),
            None => object,
        }
    }
}

impl ser::SerializeMap for Members {
    type Ok = Value;
    type Error = NoForm;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), NoForm> {
        self.key = Some(match key.serialize(Build)? {
            text @ Value::String(_) => text,
            Value::Number(number) => Value::from(number.format_decimal()),
            other => return Err(NoForm(format!("`{other}` is no key of a JSON object"))),
        });
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NoForm> {
        let key = self.key.take().ok_or_else(|| NoForm("a value without its key".to_owned()))?;
        self.members.push((key, value.serialize(Build)?));
        Ok(())
    }

    fn end(self) -> Result<Value, NoForm> {
        Ok(self.finish())
    }
}

macro_rules! structs {
    ($($form:ident),*) => {
        $(impl ser::$form for Members {
            type Ok = Value;
            type Error = NoForm;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), NoForm> {
                self.members.push((Value::from(name), value.serialize(Build)?));
                Ok(())
            }

            fn end(self) -> Result<Value, NoForm> {
                Ok(self.finish())
            }
        })*
    };
}

structs!(SerializeStruct, SerializeStructVariant);

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use serde::Serialize;

    use super::*;

    #[derive(Serialize)]
    #[serde(rename_all = "snake_case")]
    enum Form {
        Unit,
        Newtype(Option<u8>),
        Tuple(i64, f64),
        Struct { inner: BTreeSet<String> },
    }

    #[derive(Serialize)]
    struct Everything {
        forms: Vec<Form>,
        numbers: (u64, i64, f64, bool),
        by_number: BTreeMap<u32, char>,
        nothing: (),
        #[serde(skip_serializing_if = "Option::is_none")]
        left_out: Option<String>,
    }

    #[test]
    fn a_value_is_what_its_json_would_be_read_as() {
        let everything = Everything {
            forms: vec![
                Form::Unit,
                Form::Newtype(None),
                Form::Newtype(Some(7)),
                Form::Tuple(-1, 0.5),
                Form::Struct { inner: BTreeSet::from(["b".to_owned(), "a".to_owned()]) },
            ],
            numbers: (u64::MAX, i64::MIN, 1.25, true),
            by_number: BTreeMap::from([(2, 'x'), (10, 'ü')]),
            nothing: (),
            left_out: None,
        };
        let text = serde_json::to_string(&everything).unwrap();
        assert_eq!(value(&everything).unwrap(), Value::from_json_str(&text).unwrap());
    }

    #[test]
    fn what_has_no_json_form_is_an_error() {
        assert!(value(&f64::NAN).is_err());
        assert!(value(&BTreeMap::from([((1, 2), 3)])).is_err());
    }
}
