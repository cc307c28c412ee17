//! All settings, once: from this table come parsing, checks, the builder's methods and CONFIGURATION.md.

use crate::error::{Error, ErrorCode, Result, near_names};

/// Hands the table of settings to the macro `$then`: a name, a kind with its range, the default
/// and the text, for each.
macro_rules! with_settings {
    ($then:ident) => {
        $then! {
            table_name: text(3, 255) = "brighter_outbox",
                "The outbox table.";
            number_of_shards: number(1, 20) = 3,
                "How many shards the messages of a topic are spread over in the indexes. The same value for every process on one table, Brighter's `NumberOfShards` included.";
            region: optional(1, 64) = "",
                "The AWS region. Unset: as the AWS default chain finds it (`AWS_REGION`, profile, instance).";
            profile: optional(1, 255) = "",
                "The profile of the AWS configuration files. Unset: `AWS_PROFILE` or `default`.";
            endpoint_url: optional(1, 2048) = "",
                "Another DynamoDB endpoint, such as `http://localhost:8000`. Unset: Amazon's for the region.";
            access_key_id: optional(1, 255) = "",
                "Credentials given here instead of by the AWS default chain. Needs `secret_access_key`.";
            secret_access_key: secret(1, 255) = "",
                "See `access_key_id`. Never shown in a log or an error.";
            session_token: secret(1, 16384) = "",
                "The session token of temporary credentials; see `access_key_id`.";
            embedded_path: optional(1, 4096) = "",
                "Use the embedded database in this file, or `:memory:`, instead of DynamoDB. For development, tests, demos and single-machine use.";
            routes: optional(1, 65536) = "",
                "Where messages are sent: `greeting.made = sns:greetings; orders.* = sqs:https://sqs.eu-central-1.amazonaws.com/123456789012/orders; * = sns:arn:aws:sns:eu-central-1:123456789012:rest`, one route per line or separated by `;`. Before the `=` stands a topic, the beginning of topics with a `*` after it, or `*` for all others: a topic goes before a beginning, a longer beginning before a shorter one. After it stands `sns:` or `sqs:` with a name, an ARN, or for SQS the queue's URL. The builder's `route` adds one.";
            transport_endpoint_url: optional(1, 2048) = "",
                "Another endpoint of SNS and SQS, such as `http://localhost:4566`. Unset: Amazon's for the region, or that of a queue's URL.";
            create_targets: choice("no", "yes") = "no",
                "`yes`: a topic or queue that a route gives by its name and that is missing is made when the first message is sent to it, FIFO if its name ends in `.fifo`.";
            operation_timeout_ms: number(10, 600000) = 10000,
                "Milliseconds after which an operation on DynamoDB, or sending a batch to SNS or SQS, is given up, its retries included.";
            attempt_timeout_ms: number(10, 600000) = 3000,
                "Milliseconds after which one request of an operation is given up and tried again.";
            connect_timeout_ms: number(10, 600000) = 2000,
                "Milliseconds after which an attempt to connect is given up and tried again.";
            max_attempts: number(1, 100) = 5,
                "How often a request is made at most, the first time included, while its failure is a passing one.";
            close_timeout_ms: number(0, 600000) = 5000,
                "Milliseconds that `close` waits for calls under way before it abandons them.";
            recent_max_messages: number(0, 1000000) = 1000,
                "How many messages that this process committed a moment ago are kept in memory, so that clearing them needs no read. 0: none.";
            recent_max_bytes: number(0, 1073741824) = 16777216,
                "The bytes of message bodies and headers that are kept so at most.";
            recent_max_age_ms: number(0, 4500) = 2000,
                "Milliseconds after which a message kept so is read from the table again. Below a sweeper's minimum age of 5 s, so that no sweeper has sent it meanwhile, and far enough below for clocks that are up to 3 s apart.";
            dispatched_ttl_seconds: number(0, 315360000) = 0,
                "Seconds after its dispatch at which DynamoDB may delete a message (it does so within days). 0: never. An unsent message never expires.";
            sweep_interval_ms: number(10, 86400000) = 5000,
                "Milliseconds between two sweeps of the sweeper, give or take a tenth.";
            sweep_min_age_ms: number(0, 86400000) = 5000,
                "How old, in milliseconds, a message must be before a sweep sends it: younger ones are left to whoever committed them.";
            sweep_batch: number(1, 10000) = 100,
                "How many messages a sweep reads and sends between two looks at its lease.";
            sweep_threads: number(1, 64) = 4,
                "How many topics a sweep sends at once: the first on the thread that sweeps, the others on threads named `postbox-sweeper`. So a slow topic does not hold up the others. 1: one after the other, a batch at a time.";
            lock_table_name: text(3, 255) = "brighter_distributed_lock",
                "The table of the leases that sweepers hold, Brighter's. Made if it is missing.";
            sweep_leases: choice("one", "shards") = "one",
                "`one`: one lease for all sweepers, which excludes Brighter's too. `shards`: a lease per shard, shared out among the processes that sweep, so that many machines sweep at once and order per partition key holds; no Brighter sweeper may run beside them.";
            lease_group: optional(1, 255) = "",
                "The group in the name of the sweeper's lease, `GROUP_OutboxSweeper`: sweepers of one group exclude each other, Brighter's included. Unset: the name of the outbox table.";
            lease_ms: number(1000, 3600000) = 60000,
                "How long a lease is, in milliseconds: after a crash, others wait for its end. It is renewed after a third of it. A producer that takes longer for one batch loses it, and others may send the same messages. Longer than an operation on DynamoDB takes.";
            max_dispatch_attempts: number(0, 1000000) = 20,
                "How often sending a message may fail before it is parked. 0: any number of times.";
            retry_delay_ms: number(0, 300000) = 1000,
                "Milliseconds before a sweep tries a message again that failed once; twice as long after each further failure, 5 minutes at most.";
            outstanding_limit: number(0, 1000000000) = 0,
                "Deposits fail with OutboxLimitReached while more messages than this are outstanding, as last counted. 0: no limit, and no counting.";
            outstanding_check_interval_ms: number(10, 86400000) = 30000,
                "Milliseconds between two counts for `outstanding_limit`. A count reads the index of outstanding messages.";
            archive_interval_ms: number(10, 86400000) = 60000,
                "Milliseconds between two runs of the archiver, give or take a tenth.";
            archive_min_age_ms: number(0, 315360000000) = 86400000,
                "How long ago, in milliseconds, a message must have been dispatched before the archiver takes it.";
            breaker_threshold: number(0, 1000000) = 5,
                "How many failures of a topic in a row open its breaker, which holds back its messages. 0: never.";
            breaker_cooldown_ms: number(1, 86400000) = 30000,
                "Milliseconds after which an open breaker lets one message through to see whether the transport is back.";
            confirm_timeout_ms: number(0, 86400000) = 30000,
                "Milliseconds for which a message that a producer accepted waits for its confirmation before this process may send it again.";
        }
    };
}
pub(crate) use with_settings;

/// What values a setting takes, with its range: characters of text, or the number itself.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Text(u64, u64),
    Optional(u64, u64),
    Secret(u64, u64),
    Number(u64, u64),
    Choice(&'static [&'static str]),
}

/// One row of the table.
struct Setting {
    name: &'static str,
    kind: Kind,
    #[cfg_attr(not(test), allow(dead_code))]
    default: &'static str,
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
    (choice($($value:literal),*)) => {
        Kind::Choice(&[$($value),*])
    };
}

/// The Rust type of a setting of this kind.
macro_rules! setting_type {
    (number) => {
        u64
    };
    ($text:ident) => {
        String
    };
}

/// What the builder's method for a setting of this kind takes.
macro_rules! setting_argument {
    (number) => {
        u64
    };
    ($text:ident) => {
        impl Into<String>
    };
}
pub(crate) use setting_argument;

macro_rules! setting_default {
    (number, $default:literal) => {
        $default
    };
    ($text:ident, $default:literal) => {
        String::from($default)
    };
}

macro_rules! define_config {
    ($($name:ident: $kind:ident $range:tt = $default:literal, $about:literal;)*) => {
        /// The settings of a Postbox, by name: for callers that have them as text, such as a
        /// configuration file. In code, [`Builder`](crate::Builder) has a method for each.
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
            $(pub(crate) $name: setting_type!($kind),)*
        }

        impl Default for Config {
            fn default() -> Self {
                Self { $($name: setting_default!($kind, $default),)* }
            }
        }

        impl Config {
            fn set_unchecked(&mut self, name: &str, value: &str) -> Result<()> {
                match name {
                    $(stringify!($name) => self.$name = parse(name, value)?,)*
                    _ => return Err(unknown_setting(name)),
                }
                Ok(())
            }

            fn get_unchecked(&self, name: &str) -> Result<String> {
                match name {
                    $(stringify!($name) => Ok(self.$name.to_string()),)*
                    _ => Err(unknown_setting(name)),
                }
            }
        }

        const SETTINGS: &[Setting] = &[$(Setting {
            name: stringify!($name),
            kind: kind!($kind $range),
            default: stringify!($default),
            about: $about,
        },)*];
    };
}

with_settings!(define_config);

impl Config {
    /// Sets one setting from text. Numbers are decimal; an empty text unsets an optional setting.
    ///
    /// # Errors
    /// [`ErrorCode::UnknownName`] with the near names, [`ErrorCode::InvalidSetting`] with the range.
    pub fn set(&mut self, name: &str, value: &str) -> Result<()> {
        let setting = find(name)?;
        setting.check(value)?;
        self.set_unchecked(name, value)
    }

    /// The value of a setting as text; empty where an optional one is unset, `***` for a secret that is set.
    ///
    /// # Errors
    /// [`ErrorCode::UnknownName`] with the near names.
    pub fn get(&self, name: &str) -> Result<String> {
        let value = self.get_unchecked(name)?;
        let secret = matches!(find(name)?.kind, Kind::Secret(..)) && !value.is_empty();
        Ok(if secret { "***".into() } else { value })
    }

    /// Checks every setting and what they say together.
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
        if self.access_key_id.is_empty() != self.secret_access_key.is_empty() {
            return Err(invalid("access_key_id and secret_access_key go together: set both or none"));
        }
        if !self.session_token.is_empty() && self.access_key_id.is_empty() {
            return Err(invalid("session_token is set without access_key_id and secret_access_key"));
        }
        if !self.embedded_path.is_empty() && !self.endpoint_url.is_empty() {
            return Err(invalid("embedded_path and endpoint_url exclude each other: unset one"));
        }
        for (name, url) in
            [("endpoint_url", &self.endpoint_url), ("transport_endpoint_url", &self.transport_endpoint_url)]
        {
            if !url.is_empty() && !["http://", "https://"].iter().any(|scheme| url.starts_with(scheme)) {
                return Err(invalid(format!("{name} is \"{url}\": it must start with http:// or https://")));
            }
        }
        Ok(())
    }
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
        let refuse = |expected: String| Err(invalid(format!("{name}: {expected}")));
        match self.kind {
            Kind::Number(low, high) => match value.parse::<u64>() {
                Ok(number) if (low..=high).contains(&number) => Ok(()),
                _ => refuse(format!("\"{}\" is not a whole number from {low} to {high}", shortened(value))),
            },
            Kind::Choice(values) if !values.contains(&value) => {
                refuse(format!("\"{}\" is not one of {}", shortened(value), values.join(", ")))
            }
            Kind::Text(low, high) if !(low..=high).contains(&length) => {
                refuse(format!("needs {low} to {high} characters, has {length}"))
            }
            Kind::Optional(_, high) | Kind::Secret(_, high) if length > high => {
                refuse(format!("takes {high} characters at most, has {length}"))
            }
            _ => Ok(()),
        }
    }
}

fn find(name: &str) -> Result<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.name == name).ok_or_else(|| unknown_setting(name))
}

fn parse<T: std::str::FromStr>(name: &str, value: &str) -> Result<T> {
    value.parse().map_err(|_| invalid(format!("{name}: \"{}\" cannot be read", shortened(value))))
}

fn unknown_setting(name: &str) -> Error {
    Error::new(
        ErrorCode::UnknownName,
        format!(
            "there is no setting \"{}\"; near: {} (CONFIGURATION.md lists all)",
            shortened(name),
            near_names(name, SETTINGS.iter().map(|setting| setting.name))
        ),
    )
}

pub(crate) fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorCode::InvalidSetting, message)
}

/// A caller's text as an error message shows it: bounded.
pub(crate) fn shortened(text: &str) -> String {
    const MOST: usize = 80;
    if text.chars().count() <= MOST {
        return text.to_owned();
    }
    text.chars().take(MOST).chain("...".chars()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::HEADER_FIELDS;

    /// CONFIGURATION.md is generated here. `make docs` writes it; the test compares.
    fn markdown() -> String {
        let mut page = String::from(concat!(
            "<!-- Generated from src/config.rs and src/message.rs by `make docs`. -->\n",
            "# Configuration\n\n",
            "## Settings\n\n",
            "By name in every language: `postbox_config_set(config, \"table_name\", \"orders_outbox\")` in C, ",
            "`Config::set` or the builder's method of the same name in Rust, `config.set(\"table_name\", ...)` in C++, ",
            "`config.Set(...)` in .NET, `postbox.open(table_name=...)` in Python.\n",
            "An unknown name and a value out of range are errors that say what is allowed.\n\n",
            "| setting | takes | default | meaning |\n|---|---|---|---|\n",
        ));
        for setting in SETTINGS {
            let takes = match setting.kind {
                Kind::Text(low, high) => format!("text of {low} to {high} characters"),
                Kind::Optional(_, high) => format!("text up to {high} characters, or empty"),
                Kind::Secret(_, high) => format!("secret up to {high} characters, or empty"),
                Kind::Number(low, high) => format!("{low} to {high}"),
                Kind::Choice(values) => format!("`{}`", values.join("`, `")),
            };
            let default = setting.default.trim_matches('"');
            let default = if default.is_empty() { "unset".into() } else { format!("`{default}`") };
            page += &format!("| `{}` | {takes} | {default} | {} |\n", setting.name, setting.about);
        }
        page += concat!(
            "\n## Header fields of a message\n\n",
            "By name in C (`postbox_message_set(message, \"partition_key\", \"42\")`, `postbox_message_get`), ",
            "`Message::set` or `with_partition_key` in Rust. `bag.NAME` is an entry of the header bag.\n\n",
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
                Kind::Number(low, _) => low.to_string(),
                Kind::Choice(values) => values[0].to_string(),
                _ => "abc".to_string(),
            };
            config.set(setting.name, &value).unwrap();
            let expected = if matches!(setting.kind, Kind::Secret(..)) { "***" } else { &value };
            assert_eq!(config.get(setting.name).unwrap(), expected);
        }
    }

    #[test]
    fn out_of_range_and_nonsense_are_refused_with_the_range() {
        let mut config = Config::default();
        for (name, value) in [
            ("number_of_shards", "0"),
            ("number_of_shards", "21"),
            ("number_of_shards", "-1"),
            ("max_attempts", "many"),
            ("table_name", "ab"),
        ] {
            let error = config.set(name, value).unwrap_err();
            assert_eq!(error.code(), ErrorCode::InvalidSetting);
            assert!(error.message().contains(name) && error.message().contains(" to "), "{error}");
        }
        assert_eq!(config.number_of_shards, 3);
    }

    #[test]
    fn an_unknown_name_lists_the_near_ones() {
        let error = Config::default().set("tablename", "x").unwrap_err();
        assert_eq!(error.code(), ErrorCode::UnknownName);
        assert!(error.message().contains("table_name"), "{error}");
    }

    #[test]
    fn settings_that_contradict_each_other_are_refused() {
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
        assert!(check(&[("table_name", "no/slash")]).message().contains("letters"));
    }

    #[test]
    fn secrets_are_not_shown() {
        let mut config = Config::default();
        config.set("secret_access_key", "hush-hush").unwrap();
        assert!(!format!("{config:?}").contains("hush"));
    }
}
