//! What travels to and from a database: numbers, text, bytes, nothing.

use std::{borrow::Cow, sync::Arc};

use kernel::{Digest, Id, IdKind, Role, Scopes, Timestamp};
use serde::{Serialize, de::DeserializeOwned};

/// A value to bind. It has no `Debug`: binds may be personal data.
#[derive(Clone, PartialEq, Eq)]
pub enum Value {
    /// Nothing.
    Null,
    /// A number, a flag (0 or 1), or an instant (microseconds since the epoch).
    Int(i64),
    /// Text.
    Text(String),
    /// Bytes: an id, a digest, something sealed.
    Blob(Vec<u8>),
}

impl Value {
    /// The same value, borrowed.
    pub fn borrow(&self) -> ValueRef<'_> {
        match self {
            Self::Null => ValueRef::Null,
            Self::Int(int) => ValueRef::Int(*int),
            Self::Text(text) => ValueRef::Text(text),
            Self::Blob(blob) => ValueRef::Blob(blob),
        }
    }
}

/// A value as it lies in a row.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum ValueRef<'a> {
    /// Nothing.
    Null,
    /// A number, a flag or an instant.
    Int(i64),
    /// Text.
    Text(&'a str),
    /// Bytes.
    Blob(&'a [u8]),
}

/// A column holds something else than the program expects. Names kinds, never the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}, found {found}")]
pub struct Mismatch {
    expected: &'static str,
    found: &'static str,
}

impl<'a> ValueRef<'a> {
    const fn sort(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Int(_) => "a number",
            Self::Text(_) => "text",
            Self::Blob(_) => "bytes",
        }
    }

    /// The fault of finding this where something else belongs.
    pub const fn is_not(self, expected: &'static str) -> Mismatch {
        Mismatch { expected, found: self.sort() }
    }

    /// The number.
    pub const fn int(self) -> Result<i64, Mismatch> {
        match self {
            Self::Int(int) => Ok(int),
            Self::Null | Self::Text(_) | Self::Blob(_) => Err(self.is_not("a number")),
        }
    }

    /// The text.
    pub const fn text(self) -> Result<&'a str, Mismatch> {
        match self {
            Self::Text(text) => Ok(text),
            Self::Null | Self::Int(_) | Self::Blob(_) => Err(self.is_not("text")),
        }
    }

    /// The bytes.
    pub const fn blob(self) -> Result<&'a [u8], Mismatch> {
        match self {
            Self::Blob(blob) => Ok(blob),
            Self::Null | Self::Int(_) | Self::Text(_) => Err(self.is_not("bytes")),
        }
    }

    /// The same value, owned.
    pub fn to_owned(self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Int(int) => Value::Int(int),
            Self::Text(text) => Value::Text(String::from(text)),
            Self::Blob(blob) => Value::Blob(blob.to_vec()),
        }
    }
}

/// What can be bound to a parameter.
pub trait ToValue {
    /// The value that the database gets.
    fn to_value(&self) -> Value;
}

/// What can be read from a column.
pub trait FromValue: Sized {
    /// Read it, or say what was expected instead.
    fn from_value(value: ValueRef<'_>) -> Result<Self, Mismatch>;
}

/// A small document that the database keeps as opaque JSON text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Json<T>(pub T);

impl<T: Serialize> ToValue for Json<T> {
    /// A document that cannot be written as JSON (a map with keys that are not text) becomes null,
    /// which a `NOT NULL` column refuses.
    fn to_value(&self) -> Value {
        serde_json::to_string(&self.0).map_or(Value::Null, Value::Text)
    }
}
impl<T: DeserializeOwned> FromValue for Json<T> {
    fn from_value(value: ValueRef<'_>) -> Result<Self, Mismatch> {
        serde_json::from_str(value.text()?)
            .map(Json)
            .map_err(|_| value.is_not("a JSON document of the right shape"))
    }
}

impl<T: ToValue + ?Sized> ToValue for &T {
    fn to_value(&self) -> Value {
        (**self).to_value()
    }
}
impl<T: ToValue> ToValue for Option<T> {
    fn to_value(&self) -> Value {
        self.as_ref().map_or(Value::Null, ToValue::to_value)
    }
}
impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: ValueRef<'_>) -> Result<Self, Mismatch> {
        if matches!(value, ValueRef::Null) { Ok(None) } else { T::from_value(value).map(Some) }
    }
}

impl ToValue for Value {
    fn to_value(&self) -> Value {
        self.clone()
    }
}
impl FromValue for Value {
    fn from_value(value: ValueRef<'_>) -> Result<Self, Mismatch> {
        Ok(value.to_owned())
    }
}

macro_rules! integers {
    ($($int:ty),*) => {$(
        impl ToValue for $int {
            fn to_value(&self) -> Value {
                Value::Int(i64::from(*self))
            }
        }
        impl FromValue for $int {
            fn from_value(value: ValueRef<'_>) -> Result<Self, Mismatch> {
                Self::try_from(value.int()?).map_err(|_| value.is_not(concat!("a number that fits ", stringify!($int))))
            }
        }
    )*};
}
integers!(i64, i32, i16, u32, u16, u8);

impl ToValue for bool {
    fn to_value(&self) -> Value {
        Value::Int(i64::from(*self))
    }
}
impl FromValue for bool {
    fn from_value(value: ValueRef<'_>) -> Result<Self, Mismatch> {
        match value.int()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(value.is_not("0 or 1")),
        }
    }
}

macro_rules! texts {
    ($($text:ty),*) => {$(
        impl ToValue for $text {
            fn to_value(&self) -> Value {
                let text: &str = self;
                Value::Text(String::from(text))
            }
        }
    )*};
}
texts!(str, String, Box<str>, Arc<str>, Cow<'_, str>);

macro_rules! owned_texts {
    ($($text:ty),*) => {$(
        impl FromValue for $text {
            fn from_value(value: ValueRef<'_>) -> Result<Self, Mismatch> {
                value.text().map(Self::from)
            }
        }
    )*};
}
owned_texts!(String, Box<str>, Arc<str>);

impl ToValue for [u8] {
    fn to_value(&self) -> Value {
        Value::Blob(self.to_vec())
    }
}
impl ToValue for Vec<u8> {
    fn to_value(&self) -> Value {
        Value::Blob(self.clone())
    }
}
impl FromValue for Vec<u8> {
    fn from_value(value: ValueRef<'_>) -> Result<Self, Mismatch> {
        value.blob().map(<[u8]>::to_vec)
    }
}
impl<const N: usize> ToValue for [u8; N] {
    fn to_value(&self) -> Value {
        Value::Blob(self.to_vec())
    }
}
impl<const N: usize> FromValue for [u8; N] {
    fn from_value(value: ValueRef<'_>) -> Result<Self, Mismatch> {
        value.blob()?.try_into().map_err(|_| value.is_not("bytes of another length"))
    }
}

impl<K: IdKind> ToValue for Id<K> {
    fn to_value(&self) -> Value {
        self.as_bytes().to_value()
    }
}
impl<K: IdKind> FromValue for Id<K> {
    fn from_value(value: ValueRef<'_>) -> Result<Self, Mismatch> {
        <[u8; 16]>::from_value(value).map(Self::from_bytes)
    }
}
impl ToValue for Digest {
    fn to_value(&self) -> Value {
        self.as_bytes().to_value()
    }
}
impl FromValue for Digest {
    fn from_value(value: ValueRef<'_>) -> Result<Self, Mismatch> {
        <[u8; 32]>::from_value(value).map(Self::from_bytes)
    }
}
impl ToValue for Timestamp {
    fn to_value(&self) -> Value {
        Value::Int(self.as_micros())
    }
}
impl FromValue for Timestamp {
    fn from_value(value: ValueRef<'_>) -> Result<Self, Mismatch> {
        value.int().map(Self::from_micros)
    }
}
impl ToValue for Scopes {
    fn to_value(&self) -> Value {
        Value::Text(format!("{self}"))
    }
}
impl FromValue for Scopes {
    fn from_value(value: ValueRef<'_>) -> Result<Self, Mismatch> {
        value.text()?.parse().map_err(|_| value.is_not("a list of scopes"))
    }
}

impl ToValue for Role {
    fn to_value(&self) -> Value {
        Value::Text(self.as_str().to_owned())
    }
}
impl FromValue for Role {
    fn from_value(value: ValueRef<'_>) -> Result<Self, Mismatch> {
        Self::parse(value.text()?).ok_or_else(|| value.is_not("a role"))
    }
}

/// The values for `$1…$n`, in that order, of anything that is [`ToValue`](crate::ToValue).
///
/// ```
/// let binds = store::binds!["mira", 7_i64, Option::<bool>::None];
/// assert!(binds == vec![store::Value::Text("mira".into()), store::Value::Int(7), store::Value::Null]);
/// ```
#[macro_export]
macro_rules! binds {
    () => { ::std::vec::Vec::<$crate::Value>::new() };
    ($($value:expr),+ $(,)?) => { ::std::vec![$($crate::ToValue::to_value(&$value)),+] };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_back_as_they_went() {
        fn there_and_back<T: ToValue + FromValue + PartialEq>(value: T) -> bool {
            T::from_value(value.to_value().borrow()).is_ok_and(|back| back == value)
        }
        assert!(there_and_back(true) && there_and_back(false));
        assert!(there_and_back(i64::MIN) && there_and_back(u32::MAX));
        assert!(there_and_back(String::from("ü")) && there_and_back(Option::<i64>::None));
        assert!(there_and_back([7_u8; 5]) && there_and_back(Timestamp::from_micros(-1)));
        assert!(there_and_back("openid profile".parse::<Scopes>().unwrap()));
        assert!(there_and_back(Json(vec![Some(1), None])));
    }

    #[test]
    fn a_wrong_sort_is_said_without_the_value() {
        let secret = ValueRef::Text("hunter2");
        assert_eq!(i64::from_value(secret).unwrap_err().to_string(), "expected a number, found text");
        assert!(bool::from_value(ValueRef::Int(2)).is_err());
        assert!(u8::from_value(ValueRef::Int(256)).is_err());
        assert!(Id::<kernel::Person>::from_value(ValueRef::Blob(&[0; 15])).is_err());
        assert!(Json::<u8>::from_value(secret).is_err());
    }
}
