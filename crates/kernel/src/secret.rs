//! Values that are used, never shown.

use serde::{Deserialize, Deserializer};
use zeroize::Zeroize;

/// A value that must not reach a log, an error, a URL or an answer: it has no `Debug`, no `Display` and no
/// `Serialize`, and is wiped from memory when dropped. Opening it is a named act.
///
/// ```compile_fail
/// let secret = kernel::Secret::new(String::from("hunter2"));
/// println!("{secret:?}");
/// ```
pub struct Secret<T: Zeroize>(T);

impl<T: Zeroize> Secret<T> {
    /// Hide the value.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// Look at the value. Every call is a place to review.
    pub const fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: Zeroize> Drop for Secret<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}
impl<T: Zeroize + Clone> Clone for Secret<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}
impl<T: Zeroize> From<T> for Secret<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}
impl<'de, T: Zeroize + Deserialize<'de>> Deserialize<'de> for Secret<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self)
    }
}
