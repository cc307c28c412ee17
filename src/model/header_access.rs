//! Access to the header fields of a message by name.

use crate::model::bag::Bag;
use crate::model::error::{Error, ErrorCode, Result, shortened, similar_names};
use crate::model::header::{CharacterEncoding, HEADER_FIELDS, MessageType};
use crate::model::message::{Message, invalid};
use crate::model::ticks::Ticks;
use std::borrow::Cow;

impl Message {
    /// Sets the header field with this name from text. CONFIGURATION.md lists the names. The name `bag.NAME` sets the
    /// entry NAME of the header bag to a string. The name `bag` replaces the whole header bag by a JSON object, whose
    /// numbers keep all their digits. An empty text removes an optional field, or all entries of the bag.
    ///
    /// # Errors
    /// [`ErrorCode::UnknownName`] with similar names; [`ErrorCode::InvalidMessage`] if the value is invalid for the
    /// field.
    pub fn set_header(&mut self, name: &str, value: &str) -> Result<()> {
        if let Some(key) = name.strip_prefix("bag.") {
            self.bag.insert(key.into(), value.into());
            return Ok(());
        }
        if name == "bag" {
            let json = if value.is_empty() { "{}" } else { value };
            self.bag = Bag::read(json).ok_or_else(|| invalid("the bag is not a JSON object".to_owned()))?;
            return Ok(());
        }
        if let Some(field) = self.optional_field(name) {
            *field = value.into();
            return Ok(());
        }
        match name {
            "id" => self.id = value.into(),
            "topic" => self.topic = value.into(),
            "content_type" => self.content_type = Cow::Owned(value.into()),
            "source" => self.source = Cow::Owned(value.into()),
            "spec_version" => self.spec_version = Cow::Owned(value.into()),
            "message_type" => {
                self.message_type =
                    MessageType::from_name(value).ok_or_else(|| not_one_of(name, value, MessageType::NAMES))?;
            }
            "character_encoding" => {
                self.character_encoding = Some(
                    CharacterEncoding::from_name(value)
                        .ok_or_else(|| not_one_of(name, value, CharacterEncoding::NAMES))?,
                );
            }
            "created_at" => {
                self.created = Ticks::from_text(value).ok_or_else(|| {
                    invalid(format!(
                        "created_at is \"{}\": it needs a time such as 2026-01-31T12:00:00.000Z",
                        shortened(value)
                    ))
                })?;
            }
            _ => return Err(unknown_field(name)),
        }
        Ok(())
    }

    /// Returns the header field with this name as text, or `None` for an optional field that is not set. The names are
    /// the same as for [`set_header`](Self::set_header). A bag entry that is not a string is returned as JSON, and so is
    /// the whole bag. Times have a fraction of 7 digits, or of 3 digits for a whole millisecond.
    ///
    /// # Errors
    /// [`ErrorCode::UnknownName`] with similar names.
    pub fn header(&self, name: &str) -> Result<Option<Cow<'_, str>>> {
        if let Some(key) = name.strip_prefix("bag.") {
            return Ok(self.bag.text(key));
        }
        if name == "bag" {
            return Ok(Some(Cow::Owned(self.bag.to_json())));
        }
        if let Some(value) = self.optional_value(name) {
            return Ok((!value.is_empty()).then_some(Cow::Borrowed(value)));
        }
        Ok(Some(match name {
            "id" => Cow::Borrowed(&self.id),
            "topic" => Cow::Borrowed(&self.topic),
            "content_type" => Cow::Borrowed(&self.content_type),
            "source" => Cow::Borrowed(&self.source),
            "spec_version" => Cow::Borrowed(&self.spec_version),
            "message_type" => Cow::Borrowed(self.message_type.name()),
            "character_encoding" => match &self.character_encoding {
                Some(encoding) => Cow::Borrowed(encoding.name()),
                None => Cow::Owned(self.character_encoding().name().to_owned()),
            },
            "created_at" => Cow::Owned(self.created.to_full_text()),
            _ => return Err(unknown_field(name)),
        }))
    }

    /// Returns the name and the text of each header field that is set. The entries of the header bag are not included.
    pub fn headers(&self) -> impl Iterator<Item = (&'static str, Cow<'_, str>)> {
        HEADER_FIELDS.iter().filter_map(|field| Some((field.name, self.header(field.name).ok()??)))
    }
}

fn not_one_of(name: &str, value: &str, names: &[&str]) -> Error {
    invalid(format!("{name} is \"{}\", not one of {}", shortened(value), names.join(", ")))
}

fn unknown_field(name: &str) -> Error {
    Error::new(
        ErrorCode::UnknownName,
        format!(
            "unknown header field \"{}\"; similar names: {} (bag.NAME is an entry of the header bag, and bag is the whole bag as JSON)",
            shortened(name),
            similar_names(name, HEADER_FIELDS.iter().map(|field| field.name))
        ),
    )
}
