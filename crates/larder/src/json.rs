//! `Json`: any value that serde knows, kept in a store as JSON text; with the feature `json`.
//!
//! The text is what any client of a server reads and writes. Own types with a cheaper form implement
//! [`ToValue`] and [`FromValue`] themselves.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::bytes::{ConvertError, FromValue, Raw, ToValue};

/// A value that is written as JSON text, and read from it.
///
/// ```
/// use larder::{Json, Store};
/// use std::collections::BTreeMap;
///
/// let store = Store::new();
/// let user = BTreeMap::from([("name", "Ada"), ("born", "1815")]);
/// store.set("user:1", Json(&user))?;
/// assert_eq!(store.get::<String>("user:1")?.as_deref(), Some(r#"{"born":"1815","name":"Ada"}"#));
///
/// let Some(Json(read)) = store.get::<Json<BTreeMap<String, String>>>("user:1")? else { panic!("it was set") };
/// assert_eq!(read["name"], "Ada");
/// # Ok::<(), larder::Error>(())
/// ```
///
/// # Cost
///
/// Writing and reading are serde's work and allocations, done before a lock is taken and after it is given back.
///
/// # Errors
///
/// Reading gives [`ConvertError::NotJson`] if the text is not JSON, or not of a `T`.
///
/// # Panics
///
/// [`ToValue::to_value`] panics where [`Json::try_to_value`] has an error, which few types can have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Json<T>(pub T);

impl<T: Serialize> Json<T> {
    /// The text, for values that JSON may not have, such as maps whose keys are no strings.
    ///
    /// ```
    /// use larder::{ConvertError, Json};
    /// use std::collections::BTreeMap;
    ///
    /// assert_eq!(Json([1, 2]).try_to_value()?.into_vec(), b"[1,2]");
    /// let pairs = BTreeMap::from([((1, 2), 3)]);
    /// assert_eq!(Json(pairs).try_to_value(), Err(ConvertError::NotJson));
    /// # Ok::<(), ConvertError>(())
    /// ```
    ///
    /// # Cost
    ///
    /// As [`Json`].
    ///
    /// # Errors
    ///
    /// [`ConvertError::NotJson`] if JSON has no such value, or its `Serialize` refuses.
    pub fn try_to_value(&self) -> Result<Raw<'static>, ConvertError> {
        let text = serde_json::to_vec(&self.0).map_err(|_| ConvertError::NotJson)?;
        Ok(Raw::Owned(text))
    }
}

impl<T: Serialize> ToValue for Json<T> {
    fn to_value(&self) -> Raw<'_> {
        self.try_to_value()
            .expect("JSON has the value; else try_to_value is the way to find out")
    }
}

impl<T: DeserializeOwned> FromValue for Json<T> {
    fn from_value(bytes: &[u8]) -> Result<Self, ConvertError> {
        let value = serde_json::from_slice(bytes).map_err(|_| ConvertError::NotJson)?;
        Ok(Json(value))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::error::Error;
    use crate::store::Store;
    use proptest::prelude::*;
    use serde::Deserialize;

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct User {
        name: String,
        age: Option<u8>,
        scores: Vec<i64>,
    }

    fn users() -> impl Strategy<Value = User> {
        let parts = (any::<String>(), any::<Option<u8>>(), any::<Vec<i64>>());
        parts.prop_map(|(name, age, scores)| User { name, age, scores })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(user in users()) {
            let text = Json(&user).to_value().into_vec();
            prop_assert_eq!(Json::from_value(&text), Ok(Json(user)));
        }
    }

    #[test]
    fn a_number_kept_as_an_integer_is_json_all_the_same() {
        let store = Store::new();
        store.set("n", 5).unwrap();
        assert_eq!(store.get::<Json<u8>>("n"), Ok(Some(Json(5))));
        store.set("n", Json(6)).unwrap();
        assert_eq!(store.incr("n", 1), Ok(7));
    }

    #[test]
    fn what_is_not_of_the_type_is_told() {
        let store = Store::new();
        let users = store.hash::<Json<User>>("users");
        let refused = Err(Error::Convert(ConvertError::NotJson));
        for text in ["", "{", "null", r#"{"name":1}"#] {
            users.set("a", text).unwrap();
            assert_eq!(users.get("a"), refused, "{text}");
        }
    }
}
