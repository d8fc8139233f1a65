//! Types that a text column holds.

/// Lets a type with `as_str` be bound and read as text; `$read` makes it of the text, or nothing where it is none.
macro_rules! text_column {
    ($type:ty, $what:literal, $read:expr) => {
        impl store::ToValue for $type {
            fn to_value(&self) -> store::Value {
                store::Value::Text(self.as_str().to_owned())
            }
        }
        impl store::FromValue for $type {
            fn from_value(value: store::ValueRef<'_>) -> Result<Self, store::Mismatch> {
                let read: fn(&str) -> Option<Self> = $read;
                read(value.text()?).ok_or_else(|| value.is_not($what))
            }
        }
    };
}
pub(crate) use text_column;
