//! As JSON-RPC gives it. Walked through and never held as a whole, since it may have millions of contacts.

use std::fmt;
use std::io::BufRead;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::Dumped;

/// Gives `each` the contacts with the address before them.
///
/// # Errors
/// It is no JSON, or ends too soon.
pub(super) fn read(input: impl BufRead, each: &mut dyn FnMut(Option<&str>, &Dumped)) -> Result<(), String> {
    let mut aor = None;
    let mut json = serde_json::Deserializer::from_reader(input);
    Walk { aor: &mut aor, each }.deserialize(&mut json).and_then(|()| json.end()).map_err(|error| error.to_string())
}

/// Looks for addresses and contacts wherever they are: what is around them differs between versions and tools.
struct Walk<'w> {
    aor: &'w mut Option<String>,
    each: &'w mut dyn FnMut(Option<&str>, &Dumped),
}

impl Walk<'_> {
    fn again(&mut self) -> Walk<'_> {
        Walk { aor: self.aor, each: self.each }
    }
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

macro_rules! pass {
    ($($name:ident: $type:ty),*) => {
        $(fn $name<E: Error>(self, _: $type) -> Result<(), E> { Ok(()) })*
    };
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("what ul.dump gives")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "AoR" => *self.aor = map.next_value()?,
                "Contact" => (self.each)(self.aor.as_deref(), &map.next_value_seed(Contact)?),
                _ => map.next_value_seed(self.again())?,
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element_seed(self.again())?.is_some() {}
        Ok(())
    }

    pass!(visit_str: &str, visit_bool: bool, visit_u64: u64, visit_i64: i64, visit_f64: f64);

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }
}

/// Names and values, these as texts.
struct Contact;

impl<'de> DeserializeSeed<'de> for Contact {
    type Value = Dumped;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Dumped, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Contact {
    type Value = Dumped;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a contact of ul.dump")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Dumped, A::Error> {
        let mut contact = Dumped::default();
        while let Some((name, value)) = map.next_entry::<String, serde_json::Value>()? {
            match value {
                serde_json::Value::String(value) => contact.set(&name, value.as_bytes()),
                serde_json::Value::Null => {}
                value => contact.set(&name, value.to_string().as_bytes()),
            }
        }
        Ok(contact)
    }
}
