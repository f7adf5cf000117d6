//! The form of a body as it stands in JSON, before anything is made of it.
//!
//! Only what is used is kept while the text is read, and of lists and names only as many as may be: a small text of
//! empty objects would else take a hundred times its size. A wrong type is kept as its name, so that the refusal can say
//! what was there.

use std::fmt;

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::Number;

use super::MAX_NAMES;

/// What stands where a value is expected.
#[derive(Debug, Default, PartialEq)]
pub(super) enum Value {
    #[default]
    Missing,
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List,
    Object,
}

impl Value {
    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::Text(_) => "text",
            Self::List => "a list",
            Self::Object => "an object",
        }
    }
}

/// A form, or something else that stands in its place.
#[derive(Debug)]
pub(super) enum Place<T> {
    Is(T),
    Else(Value),
}

impl<T> Default for Place<T> {
    fn default() -> Self {
        Self::Else(Value::Missing)
    }
}

/// A whole body.
#[derive(Debug, Default)]
pub(super) struct Body {
    pub(super) alerts: Place<Alerts>,
    pub(super) status: Value,
    pub(super) group_key: Value,
    pub(super) common_annotations: Place<Texts>,
    pub(super) truncated_alerts: Value,
    most_alerts: usize,
}

/// The list of alerts.
#[derive(Debug, Default)]
pub(super) struct Alerts {
    pub(super) kept: Vec<Place<AlertForm>>,
    /// How many there are, kept or not.
    pub(super) found: usize,
    most: usize,
}

/// One alert.
#[derive(Debug, Default)]
pub(super) struct AlertForm {
    pub(super) status: Value,
    pub(super) labels: Place<Texts>,
    pub(super) annotations: Place<Texts>,
    pub(super) starts_at: Value,
    pub(super) ends_at: Value,
    pub(super) fingerprint: Value,
    pub(super) generator_url: Value,
    pub(super) dashboard_url: Value,
    pub(super) panel_url: Value,
    pub(super) silence_url: Value,
    pub(super) value_string: Value,
}

/// Labels or annotations.
#[derive(Debug, Default)]
pub(super) struct Texts {
    pub(super) kept: Vec<(String, Value)>,
    /// How many there are, kept or not.
    pub(super) found: usize,
}

/// Reads a body of which at most `most_alerts` alerts are kept.
pub(super) fn read(body: &[u8], most_alerts: usize) -> Result<Place<Body>, serde_json::Error> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let body = Reader(Body { most_alerts, ..Body::default() }).deserialize(&mut json)?;
    json.end()?;
    Ok(body)
}

/// What a JSON object or list fills.
trait Form: Sized {
    /// Takes one field of an object. What is not known must be passed over.
    fn field<'de, A: MapAccess<'de>>(&mut self, name: String, value: &mut A) -> Result<(), A::Error>;

    /// Takes a list. `None`, having passed over it, if this is no list.
    fn list<'de, A: SeqAccess<'de>>(self, mut list: A) -> Result<Option<Self>, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    /// Whether this is an object.
    const IS_OBJECT: bool = true;
}

impl Form for Body {
    fn field<'de, A: MapAccess<'de>>(&mut self, name: String, value: &mut A) -> Result<(), A::Error> {
        match name.as_str() {
            "alerts" => {
                let most = self.most_alerts;
                self.alerts = value.next_value_seed(Reader(Alerts { most, ..Alerts::default() }))?;
            }
            "status" => self.status = value.next_value()?,
            "groupKey" => self.group_key = value.next_value()?,
            "commonAnnotations" => {
                self.common_annotations = value.next_value_seed(Reader(Texts::default()))?;
            }
            "truncatedAlerts" => self.truncated_alerts = value.next_value()?,
            _ => return value.next_value::<IgnoredAny>().map(drop),
        }
        Ok(())
    }
}

impl Form for Alerts {
    const IS_OBJECT: bool = false;

    fn field<'de, A: MapAccess<'de>>(&mut self, _: String, value: &mut A) -> Result<(), A::Error> {
        value.next_value::<IgnoredAny>().map(drop)
    }

    fn list<'de, A: SeqAccess<'de>>(mut self, mut list: A) -> Result<Option<Self>, A::Error> {
        while self.kept.len() < self.most {
            let Some(alert) = list.next_element_seed(Reader(AlertForm::default()))? else { break };
            self.kept.push(alert);
            self.found += 1;
        }
        while list.next_element::<IgnoredAny>()?.is_some() {
            self.found += 1;
        }
        Ok(Some(self))
    }
}

impl Form for AlertForm {
    fn field<'de, A: MapAccess<'de>>(&mut self, name: String, value: &mut A) -> Result<(), A::Error> {
        let place = match name.as_str() {
            "labels" => {
                self.labels = value.next_value_seed(Reader(Texts::default()))?;
                return Ok(());
            }
            "annotations" => {
                self.annotations = value.next_value_seed(Reader(Texts::default()))?;
                return Ok(());
            }
            "status" => &mut self.status,
            "startsAt" => &mut self.starts_at,
            "endsAt" => &mut self.ends_at,
            "fingerprint" => &mut self.fingerprint,
            "generatorURL" => &mut self.generator_url,
            "dashboardURL" => &mut self.dashboard_url,
            "panelURL" => &mut self.panel_url,
            "silenceURL" => &mut self.silence_url,
            "valueString" => &mut self.value_string,
            _ => return value.next_value::<IgnoredAny>().map(drop),
        };
        *place = value.next_value()?;
        Ok(())
    }
}

impl Form for Texts {
    fn field<'de, A: MapAccess<'de>>(&mut self, name: String, value: &mut A) -> Result<(), A::Error> {
        self.found += 1;
        if self.found > MAX_NAMES {
            return value.next_value::<IgnoredAny>().map(drop);
        }
        self.kept.push((name, value.next_value()?));
        Ok(())
    }
}

/// Reads a form, from the state that it begins with.
struct Reader<T>(T);

impl<'de, T: Form> DeserializeSeed<'de> for Reader<T> {
    type Value = Place<T>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Place<T>, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de, T: Form> Visitor<'de> for Reader<T> {
    type Value = Place<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Place<T>, A::Error> {
        while let Some(name) = map.next_key::<String>()? {
            self.0.field(name, &mut map)?;
        }
        Ok(if T::IS_OBJECT { Place::Is(self.0) } else { Place::Else(Value::Object) })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Place<T>, A::Error> {
        Ok(self.0.list(list)?.map_or(Place::Else(Value::List), Place::Is))
    }

    fn visit_unit<E: Error>(self) -> Result<Place<T>, E> {
        AnyValue.visit_unit().map(Place::Else)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Place<T>, E> {
        AnyValue.visit_bool(value).map(Place::Else)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Place<T>, E> {
        AnyValue.visit_i64(value).map(Place::Else)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Place<T>, E> {
        AnyValue.visit_u64(value).map(Place::Else)
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Place<T>, E> {
        AnyValue.visit_f64(value).map(Place::Else)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Place<T>, E> {
        Ok(Place::Else(Value::Text(String::new())))
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        json.deserialize_any(AnyValue)
    }
}

/// Reads a value. What is in a list or an object is passed over.
struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("a number is not finite"))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Value::List)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Value::Object)
    }
}
