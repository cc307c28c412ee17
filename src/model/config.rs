//! The configuration: reads, checks and shows settings by name. This code, the builder's methods and CONFIGURATION.md
//! are generated from the table in `settings.rs`.

use crate::model::error::{Error, ErrorCode, Result, shortened, similar_names};
use crate::model::settings::{ClearMarks, ClockSource, LeaseMode, TableEncryption, with_settings};
use std::time::Duration;

/// The kind of a setting. The two numbers of a kind are a range: of the number of characters of a text, or of the value
/// of a number.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Text(u64, u64),
    Optional(u64, u64),
    Secret(u64, u64),
    Number(u64, u64),
    Millis(u64, u64),
    Seconds(u64, u64),
    Choice(&'static [&'static str]),
}

/// One row of the table of settings.
struct Setting {
    name: &'static str,
    kind: Kind,
    #[cfg_attr(not(test), allow(dead_code))]
    about: &'static str,
}

macro_rules! kind {
    (text($low:literal, $high:literal)) => {
        Kind::Text($low, $high)
    };
    (optional($low:literal, $high:literal)) => {
        Kind::Optional($low, $high)
    };
    (secret($low:literal, $high:literal)) => {
        Kind::Secret($low, $high)
    };
    (number($low:literal, $high:literal)) => {
        Kind::Number($low, $high)
    };
    (millis($low:literal, $high:literal)) => {
        Kind::Millis($low, $high)
    };
    (seconds($low:literal, $high:literal)) => {
        Kind::Seconds($low, $high)
    };
    (choice($type:ident)) => {
        Kind::Choice($type::NAMES)
    };
    (flag()) => {
        Kind::Choice(&["true", "false"])
    };
}

/// Expands to the name of a setting as text. The name of a duration ends with its unit, as in `sweep_interval_ms` for
/// the field `sweep_interval`.
macro_rules! setting_name {
    ($name:ident) => {
        stringify!($name)
    };
    ($name:ident $text:literal) => {
        $text
    };
}
pub(crate) use setting_name;

/// The Rust type of a setting of this kind.
macro_rules! setting_type {
    (number $range:tt) => {
        u64
    };
    (millis $range:tt) => {
        Duration
    };
    (seconds $range:tt) => {
        Duration
    };
    (flag $range:tt) => {
        bool
    };
    (choice ($type:ident)) => {
        $type
    };
    ($text:ident $range:tt) => {
        String
    };
}
pub(crate) use setting_type;

macro_rules! setting_default {
    (millis $range:tt $default:literal) => {
        Duration::from_millis($default)
    };
    (seconds $range:tt $default:literal) => {
        Duration::from_secs($default)
    };
    (choice ($type:ident) $default:ident) => {
        $type::$default
    };
    (number $range:tt $default:literal) => {
        $default
    };
    (flag $range:tt $default:literal) => {
        $default
    };
    ($text:ident $range:tt $default:literal) => {
        String::from($default)
    };
}

/// A setting that can be read from text and shown as text.
trait Value: Sized {
    fn read(kind: Kind, text: &str) -> Option<Self>;
    fn show(&self, kind: Kind) -> String;
}

impl Value for u64 {
    fn read(_: Kind, text: &str) -> Option<Self> {
        text.parse().ok()
    }

    fn show(&self, _: Kind) -> String {
        self.to_string()
    }
}

impl Value for Duration {
    fn read(kind: Kind, text: &str) -> Option<Self> {
        let number = text.parse().ok()?;
        Some(if matches!(kind, Kind::Seconds(..)) { Self::from_secs(number) } else { Self::from_millis(number) })
    }

    fn show(&self, kind: Kind) -> String {
        if matches!(kind, Kind::Seconds(..)) { self.as_secs().to_string() } else { self.as_millis().to_string() }
    }
}

impl Value for bool {
    fn read(_: Kind, text: &str) -> Option<Self> {
        text.parse().ok()
    }

    fn show(&self, _: Kind) -> String {
        self.to_string()
    }
}

impl Value for String {
    fn read(_: Kind, text: &str) -> Option<Self> {
        Some(text.to_owned())
    }

    fn show(&self, _: Kind) -> String {
        self.clone()
    }
}

macro_rules! choices {
    ($($type:ident)*) => {$(
        impl Value for $type {
            fn read(_: Kind, text: &str) -> Option<Self> {
                Self::from_name(text)
            }

            fn show(&self, _: Kind) -> String {
                self.name().to_owned()
            }
        }
    )*};
}
choices!(LeaseMode ClearMarks ClockSource TableEncryption);

macro_rules! define_config {
    ($($name:ident $(as $text:literal)?: $kind:ident $range:tt = $default:tt, $about:literal;)*) => {
        /// The settings of a Postbox by name, for programs that read them as text, for example from a configuration
        /// file. In code, [`Builder`](crate::Builder) has a method for each setting.
        ///
        /// `CONFIGURATION.md` in the source lists them all, with ranges and defaults.
        ///
        /// ```
        /// let mut config = postbox::Config::default();
        /// config.set("table_name", "orders_outbox")?;
        /// let error = config.set("tabel_name", "orders_outbox").unwrap_err();
        /// assert!(error.message().contains("table_name"));
        /// # Ok::<(), postbox::Error>(())
        /// ```
        #[derive(Clone)]
        pub struct Config {
            $(pub(crate) $name: setting_type!($kind $range),)*
        }

        impl Default for Config {
            fn default() -> Self {
                Self { $($name: setting_default!($kind $range $default),)* }
            }
        }

        impl Config {
            fn set_unchecked(&mut self, name: &str, value: &str) -> Result<()> {
                match name {
                    $(setting_name!($name $($text)?) => self.$name = read(name, kind!($kind $range), value)?,)*
                    _ => return Err(unknown_setting(name)),
                }
                Ok(())
            }

            fn get_unchecked(&self, name: &str) -> Result<String> {
                match name {
                    $(setting_name!($name $($text)?) => Ok(self.$name.show(kind!($kind $range))),)*
                    _ => Err(unknown_setting(name)),
                }
            }
        }

        const SETTINGS: &[Setting] = &[$(Setting {
            name: setting_name!($name $($text)?),
            kind: kind!($kind $range),
            about: $about,
        },)*];
    };
}

with_settings!(define_config);

impl Config {
    /// Sets one setting from text. Numbers are decimal. An empty text unsets an optional setting.
    ///
    /// # Errors
    /// [`ErrorCode::UnknownName`] with similar names; [`ErrorCode::InvalidSetting`] with the allowed range.
    pub fn set(&mut self, name: &str, value: &str) -> Result<()> {
        let setting = find(name)?;
        setting.check(value)?;
        self.set_unchecked(name, value)
    }

    /// Returns the value of a setting as text. The text is empty for an optional setting that is not set, and `***` for
    /// a secret that is set.
    ///
    /// # Errors
    /// [`ErrorCode::UnknownName`] with similar names.
    pub fn get(&self, name: &str) -> Result<String> {
        let value = self.get_unchecked(name)?;
        let secret = matches!(find(name)?.kind, Kind::Secret(..)) && !value.is_empty();
        Ok(if secret { "***".into() } else { value })
    }

    /// Checks each setting, and that the settings do not contradict each other.
    pub(crate) fn validate(&self) -> Result<()> {
        for setting in SETTINGS {
            setting.check(&self.get_unchecked(setting.name)?)?;
        }
        if !self.table_name.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c)) {
            return Err(invalid(format!(
                "table_name is \"{}\": a DynamoDB table name has letters, digits, _ . and - only",
                self.table_name
            )));
        }
        self.check_credentials()?;
        if !self.embedded_path.is_empty() && !self.endpoint_url.is_empty() {
            return Err(invalid("embedded_path and endpoint_url exclude each other: unset one"));
        }
        if !self.table_kms_key.is_empty() && self.table_encryption == TableEncryption::Owned {
            return Err(invalid("table_kms_key and table_encryption = owned exclude each other: unset one"));
        }
        for (name, url) in [
            ("endpoint_url", &self.endpoint_url),
            ("transport_endpoint_url", &self.transport_endpoint_url),
            ("sns_endpoint_url", &self.sns_endpoint_url),
            ("sqs_endpoint_url", &self.sqs_endpoint_url),
        ] {
            if !url.is_empty() {
                check_url(name, url)?;
            }
        }
        if !self.region.is_empty() {
            check_region("region", &self.region)?;
        }
        if self.clear_marks == ClearMarks::Background && self.background_mark_age().is_zero() {
            return Err(invalid(format!(
                "clear_marks = background requires that sweep_min_age_ms ({}) exceeds attempt_timeout_ms ({}) by more than 1000",
                self.sweep_min_age.as_millis(),
                self.attempt_timeout.as_millis()
            )));
        }
        Ok(())
    }

    /// Returns a configuration with these credentials.
    pub(crate) fn with_credentials(access_key_id: &str, secret_access_key: &str, session_token: &str) -> Result<Self> {
        let mut config = Self::default();
        let given = [
            ("access_key_id", access_key_id),
            ("secret_access_key", secret_access_key),
            ("session_token", session_token),
        ];
        for (name, value) in given {
            config.set(name, value)?;
        }
        if access_key_id.is_empty() {
            return Err(invalid("access_key_id: at least 1 character is required, found 0"));
        }
        config.check_credentials()?;
        Ok(config)
    }

    fn check_credentials(&self) -> Result<()> {
        if self.access_key_id.is_empty() != self.secret_access_key.is_empty() {
            return Err(invalid("access_key_id and secret_access_key go together: set both or none"));
        }
        if !self.session_token.is_empty() && self.access_key_id.is_empty() {
            return Err(invalid("session_token is set without access_key_id and secret_access_key"));
        }
        Ok(())
    }

    /// Returns the maximum age at which a sent message may be marked in the background. The mark of an older message
    /// might be written only after a sweeper has found the message.
    pub(crate) fn background_mark_age(&self) -> Duration {
        self.sweep_min_age.saturating_sub(self.attempt_timeout + Duration::from_secs(1))
    }
}

/// Checks that the text is a URL of a server.
fn check_url(name: &str, text: &str) -> Result<()> {
    let url: http::Uri =
        text.parse().map_err(|error| invalid(format!("{name} is \"{text}\": it is not a URL: {error}")))?;
    let is_http =
        url.scheme_str().is_some_and(|scheme| ["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known)));
    if !is_http {
        return Err(invalid(format!("{name} is \"{text}\": it must start with http:// or https://")));
    }
    if url.host().is_none_or(str::is_empty) {
        return Err(invalid(format!("{name} is \"{text}\": it has no host")));
    }
    let ends_with_port = url.authority().is_some_and(|authority| !authority.as_str().ends_with(authority.host()));
    if ends_with_port && url.port_u16().is_none() {
        return Err(invalid(format!("{name} is \"{text}\": the port is not a number up to 65535")));
    }
    Ok(())
}

/// Checks that the text can be the name of a region, which becomes a part of host names.
pub(crate) fn check_region(name: &str, text: &str) -> Result<()> {
    let is_label = text.len() <= 63 && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    if is_label && !text.starts_with('-') && !text.ends_with('-') {
        return Ok(());
    }
    Err(invalid(format!(
        "{name} is \"{}\": the name of a region has letters, digits and - only, such as eu-central-1",
        shortened(text)
    )))
}

impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = f.debug_struct("Config");
        for setting in SETTINGS {
            shown.field(setting.name, &self.get(setting.name).unwrap_or_default());
        }
        shown.finish()
    }
}

impl Setting {
    fn check(&self, value: &str) -> Result<()> {
        let name = self.name;
        let length = value.chars().count() as u64;
        let reject = |expected: String| Err(invalid(format!("{name}: {expected}")));
        match self.kind {
            Kind::Number(low, high) | Kind::Millis(low, high) | Kind::Seconds(low, high) => {
                match value.parse::<u64>() {
                    Ok(number) if (low..=high).contains(&number) => Ok(()),
                    _ => reject(format!("\"{}\" is not a whole number from {low} to {high}", shortened(value))),
                }
            }
            Kind::Choice(values) if !values.contains(&value) => {
                reject(format!("\"{}\" is not one of {}", shortened(value), values.join(", ")))
            }
            Kind::Text(low, high) if !(low..=high).contains(&length) => {
                reject(format!("{low} to {high} characters are required, found {length}"))
            }
            Kind::Optional(_, high) | Kind::Secret(_, high) if length > high => {
                reject(format!("at most {high} characters are allowed, found {length}"))
            }
            _ => Ok(()),
        }
    }
}

fn find(name: &str) -> Result<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.name == name).ok_or_else(|| unknown_setting(name))
}

fn read<T: Value>(name: &str, kind: Kind, value: &str) -> Result<T> {
    T::read(kind, value).ok_or_else(|| invalid(format!("{name}: \"{}\" is not a valid value", shortened(value))))
}

fn unknown_setting(name: &str) -> Error {
    Error::new(
        ErrorCode::UnknownName,
        format!(
            "unknown setting \"{}\"; similar names: {} (CONFIGURATION.md lists all)",
            shortened(name),
            similar_names(name, SETTINGS.iter().map(|setting| setting.name))
        ),
    )
}

pub(crate) fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorCode::InvalidSetting, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::header::HEADER_FIELDS;

    /// Returns the content of CONFIGURATION.md. `make docs` writes the file, and a test checks that the file is up to
    /// date.
    fn markdown() -> String {
        let mut page = String::from(concat!(
            "<!-- Generated from src/model/settings.rs and src/model/header.rs by `make docs`. -->\n",
            "# Configuration\n\n",
            "## Settings\n\n",
            "By name in every language: `postbox_config_set(config, \"table_name\", \"orders_outbox\")` in C, ",
            "`Config::set` or the builder's method of the same name in Rust, `config.set(\"table_name\", ...)` in C++, ",
            "`config.Set(...)` in .NET, `postbox.open(table_name=...)` in Python.\n",
            "An unknown name is an error that lists similar names; an invalid value is an error that states the allowed range.\n\n",
            "| setting | takes | default | meaning |\n|---|---|---|---|\n",
        ));
        for setting in SETTINGS {
            let takes = match setting.kind {
                Kind::Text(low, high) => format!("text of {low} to {high} characters"),
                Kind::Optional(_, high) => format!("text up to {high} characters, or empty"),
                Kind::Secret(_, high) => format!("secret up to {high} characters, or empty"),
                Kind::Number(low, high) => format!("{low} to {high}"),
                Kind::Millis(low, high) => format!("{low} to {high} ms"),
                Kind::Seconds(low, high) => format!("{low} to {high} s"),
                Kind::Choice(values) => format!("`{}`", values.join("`, `")),
            };
            let default = Config::default().get(setting.name).unwrap();
            let default = if default.is_empty() { "unset".into() } else { format!("`{default}`") };
            page += &format!("| `{}` | {takes} | {default} | {} |\n", setting.name, setting.about);
        }
        page += concat!(
            "\n## Header fields of a message\n\n",
            "By name in C (`postbox_message_set(message, \"partition_key\", \"42\")`, `postbox_message_get`), ",
            "`Message::set` or `with_partition_key` in Rust. `bag.NAME` is an entry of the header bag, and `bag` is the whole bag as a JSON object.\n\n",
            "| field | stored as | meaning |\n|---|---|---|\n",
        );
        for field in HEADER_FIELDS {
            page += &format!("| `{}` | `{}` | {} |\n", field.name, field.attribute, field.about);
        }
        page
    }

    #[test]
    fn the_configuration_page_is_up_to_date() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/CONFIGURATION.md");
        if std::env::var_os("POSTBOX_WRITE_DOCS").is_some() {
            std::fs::write(path, markdown()).unwrap();
        }
        let committed = std::fs::read_to_string(path).unwrap_or_default();
        assert!(committed == markdown(), "CONFIGURATION.md is out of date: run `make docs`");
    }

    #[test]
    fn defaults_are_valid() {
        Config::default().validate().unwrap();
    }

    #[test]
    fn every_setting_can_be_set_and_read_by_name() {
        for setting in SETTINGS {
            let mut config = Config::default();
            let value = match setting.kind {
                Kind::Number(low, _) | Kind::Millis(low, _) | Kind::Seconds(low, _) => low.to_string(),
                Kind::Choice(values) => values[0].to_string(),
                _ => "abc".to_string(),
            };
            config.set(setting.name, &value).unwrap();
            let expected = if matches!(setting.kind, Kind::Secret(..)) { "***" } else { &value };
            assert_eq!(config.get(setting.name).unwrap(), expected);
        }
    }

    #[test]
    fn invalid_values_are_rejected_with_the_range() {
        let mut config = Config::default();
        for (name, value) in [
            ("number_of_shards", "0"),
            ("number_of_shards", "21"),
            ("number_of_shards", "-1"),
            ("max_request_attempts", "many"),
            ("table_name", "ab"),
        ] {
            let error = config.set(name, value).unwrap_err();
            assert_eq!(error.code(), ErrorCode::InvalidSetting);
            assert!(error.message().contains(name) && error.message().contains(" to "), "{error}");
        }
        assert_eq!(config.number_of_shards, 3);
    }

    #[test]
    fn an_unknown_name_lists_similar_names() {
        let error = Config::default().set("tablename", "x").unwrap_err();
        assert_eq!(error.code(), ErrorCode::UnknownName);
        assert!(error.message().contains("table_name"), "{error}");
    }

    #[test]
    fn contradicting_settings_are_rejected() {
        let check = |settings: &[(&str, &str)]| {
            let mut config = Config::default();
            for (name, value) in settings {
                config.set(name, value).unwrap();
            }
            config.validate().unwrap_err()
        };
        assert!(check(&[("access_key_id", "a")]).message().contains("secret_access_key"));
        assert!(check(&[("session_token", "a")]).message().contains("access_key_id"));
        assert!(check(&[("embedded_path", ":memory:"), ("endpoint_url", "http://x")]).message().contains("exclude"));
        assert!(check(&[("endpoint_url", "ftp://x")]).message().contains("http://"));
        for url in ["http://", "http://no such host", "http://:8000", "http://host:port"] {
            let error = check(&[("transport_endpoint_url", url)]);
            assert!(error.message().contains("transport_endpoint_url is \"http://"), "{error}");
        }
        assert!(check(&[("region", "eu west 1")]).message().contains("region is \"eu west 1\""));
        assert!(check(&[("table_name", "no/slash")]).message().contains("letters"));
    }

    #[test]
    fn the_scheme_of_an_endpoint_can_have_capital_letters() {
        let mut config = Config::default();
        config.set("endpoint_url", "HTTP://localhost:8000").unwrap();
        config.validate().unwrap();
    }

    #[test]
    fn secrets_are_not_shown() {
        let mut config = Config::default();
        config.set("secret_access_key", "hush-hush").unwrap();
        assert!(!format!("{config:?}").contains("hush"));
    }
}
