//! Sessions through serde: an id is its text, a session its user and what it holds. For payloads that are serde's, and for
//! handing sessions to whoever asks for them.

use serde::de::{Deserialize, Deserializer, Error};
use serde::ser::{Serialize, SerializeStruct, Serializer};

use super::id::SessionId;
use super::sessions::Session;

/// As its 32 digits, which are the session's secret.
impl Serialize for SessionId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// From its 32 digits and nothing else.
impl<'de> Deserialize<'de> for SessionId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

impl<T: Serialize> Serialize for Session<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut session = serializer.serialize_struct("Session", 2)?;
        session.serialize_field("user", self.user())?;
        session.serialize_field("data", self.data())?;
        session.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::patterns::session::Sessions;

    #[derive(serde::Serialize, serde::Deserialize, Clone, Debug, PartialEq)]
    struct Cart {
        items: Vec<String>,
    }

    #[test]
    fn a_session_with_a_payload_of_serdes_is_written_with_its_user_and_its_id_as_text() {
        let sessions: Sessions<Cart> = Sessions::new();
        let cart = Cart {
            items: vec!["tea".to_owned()],
        };
        let id = sessions.create("ada", cart.clone()).expect("random");
        let session = sessions.get(&id).expect("it lives");
        let text = serde_json::to_value(&*session).expect("it is plain");
        assert_eq!(text["user"], "ada");
        assert_eq!(
            serde_json::from_value(text["data"].clone()).ok(),
            Some(cart)
        );
        let id_text = serde_json::to_string(&id).expect("a text");
        assert_eq!(id_text, format!("\"{id}\""));
        assert_eq!(serde_json::from_str(&id_text).ok(), Some(id));
        assert!(serde_json::from_str::<SessionId>("\"guess\"").is_err());
    }

    #[test]
    fn a_payload_may_be_json_of_any_shape() {
        let sessions: Sessions<serde_json::Value> = Sessions::new();
        let id = sessions.create("ada", serde_json::json!({"cart": []}));
        let id = id.expect("random");
        sessions.update(&id, |data| data["cart"] = serde_json::json!(["tea"]));
        let session = sessions.get(&id).expect("it lives");
        assert_eq!(session.data()["cart"][0], "tea");
    }
}
