//! The variables and the profile of the AWS configuration that the SDK does not apply itself.

use crate::model::config::{Config, invalid};
use crate::model::error::{Error, ErrorCode, Result};
use crate::sdk::certificates::Bundle;
use crate::sdk::error_chain::causes;
use aws_config::profile::ProfileSet;
use aws_config::retry::RetryConfig;
use aws_runtime::env_config::file::EnvConfigFiles;
use aws_types::os_shim_internal::{Env, Fs};
use std::time::Duration;

/// The number of attempts of a request if neither a setting nor the AWS configuration has one.
pub(crate) const DEFAULT_ATTEMPTS: u64 = 5;

/// The selected profile of the AWS configuration files.
pub(crate) struct Profile {
    /// `None` if the files cannot be read.
    profiles: Option<ProfileSet>,
    /// The name of the profile that the setting `profile` selects.
    pub(crate) from_setting: Option<String>,
}

impl Profile {
    /// Reads the configuration files.
    ///
    /// # Errors
    /// [`ErrorCode::NoAwsConfig`] if the setting `profile` or `AWS_PROFILE` names a profile that does not exist, as in the
    /// AWS CLI, or a profile whose credentials this library cannot load.
    pub(crate) async fn load(config: &Config) -> Result<Self> {
        let from_setting = Some(config.profile.clone()).filter(|name| !name.is_empty());
        let from_variable = variable("AWS_PROFILE");
        let asked = match (&from_setting, &from_variable) {
            (Some(name), _) => Some((name, "the setting profile")),
            (None, Some(name)) => Some((name, "AWS_PROFILE")),
            (None, None) => None,
        };
        let name = asked.map(|(name, _)| name.clone().into());
        let (fs, env, files) = (Fs::real(), Env::real(), EnvConfigFiles::default());
        let loaded = aws_config::profile::load(&fs, &env, &files, name).await;
        let profiles = match (loaded, asked) {
            (Ok(profiles), _) => Some(profiles),
            (Err(error), Some((name, origin))) => {
                return Err(no_config(format!(
                    "the profile \"{name}\", which {origin} names, cannot be read: {}",
                    causes(&error)
                )));
            }
            // The files of another program are no error if nothing refers to them.
            (Err(error), None) => {
                tracing::warn!(target: "postbox", "the AWS configuration files are ignored: {}", causes(&error));
                None
            }
        };
        if let Some((name, origin)) = asked
            && profiles.as_ref().is_none_or(|profiles| profiles.get_profile(name).is_none())
        {
            return Err(no_config(format!(
                "the profile \"{name}\", which {origin} names, does not exist: create it with `aws configure --profile {name}`, or correct {origin}"
            )));
        }
        let profile = Self { profiles, from_setting };
        profile.check_login(config)?;
        profile.check_account_mode()?;
        Ok(profile)
    }

    /// Checks the mode of endpoints with the number of the account, of which the SDK ignores unknown values.
    fn check_account_mode(&self) -> Result<()> {
        match self.value("AWS_ACCOUNT_ID_ENDPOINT_MODE", "account_id_endpoint_mode") {
            Some((origin, mode)) if !["preferred", "required", "disabled"].contains(&mode.as_str()) => {
                Err(invalid(format!("{origin} is \"{mode}\": it must be preferred, required or disabled")))
            }
            _ => Ok(()),
        }
    }

    /// Rejects a profile of `aws login`, whose credentials need a component that this library does not contain.
    fn check_login(&self, config: &Config) -> Result<()> {
        let has_keys = !config.access_key_id.is_empty()
            || (self.from_setting.is_none() && variable("AWS_ACCESS_KEY_ID").is_some());
        if has_keys || self.property("login_session").is_none() {
            return Ok(());
        }
        let name = self.profiles.as_ref().map_or("default", ProfileSet::selected_profile);
        Err(no_config(format!(
            "the profile \"{name}\" has credentials of `aws login`, which Postbox cannot load: export them with `aws configure export-credentials`, or use a profile with SSO, a role or a credential_process"
        )))
    }

    /// Returns the file of CA certificates that the AWS configuration names, if any.
    pub(crate) fn ca_bundle(&self) -> Option<Bundle> {
        self.value("AWS_CA_BUNDLE", "ca_bundle").map(|(origin, path)| Bundle { origin, path })
    }

    /// Returns the retries of requests: the number of attempts from the setting, from `AWS_MAX_ATTEMPTS` or from the
    /// profile, and the mode from `AWS_RETRY_MODE` or from the profile.
    pub(crate) fn retries(&self, config: &Config) -> Result<RetryConfig> {
        let attempts = match self.value("AWS_MAX_ATTEMPTS", "max_attempts") {
            _ if config.max_request_attempts > 0 => config.max_request_attempts,
            None => DEFAULT_ATTEMPTS,
            Some((origin, text)) => text.parse().ok().filter(|attempts| *attempts > 0).ok_or_else(|| {
                invalid(format!("{origin} is \"{text}\": it must be a number of attempts, 1 or more"))
            })?,
        };
        let retries = match self.value("AWS_RETRY_MODE", "retry_mode") {
            None => RetryConfig::standard(),
            Some((_, mode)) if ["standard", "legacy"].iter().any(|name| mode.eq_ignore_ascii_case(name)) => {
                RetryConfig::standard()
            }
            Some((_, mode)) if mode.eq_ignore_ascii_case("adaptive") => RetryConfig::adaptive(),
            Some((origin, mode)) => {
                return Err(invalid(format!("{origin} is \"{mode}\": it must be standard, adaptive or legacy")));
            }
        };
        Ok(with_backoff(retries, attempts))
    }

    /// Returns the value of a variable, or else of a property of the profile, with a name for errors.
    fn value(&self, name: &str, property: &str) -> Option<(String, String)> {
        let from_profile = || Some((format!("{property} of the AWS profile"), self.property(property)?));
        variable(name).map(|value| (name.to_owned(), value)).or_else(from_profile)
    }

    fn property(&self, name: &str) -> Option<String> {
        self.profiles.as_ref()?.get(name).map(str::trim).filter(|value| !value.is_empty()).map(str::to_owned)
    }
}

/// Returns the retries with this number of attempts, and with a shorter first delay than that of the SDK.
pub(crate) fn with_backoff(retries: RetryConfig, attempts: u64) -> RetryConfig {
    retries
        .with_max_attempts(u32::try_from(attempts).unwrap_or(u32::MAX))
        .with_initial_backoff(Duration::from_millis(50))
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn no_config(message: String) -> Error {
    Error::new(ErrorCode::NoAwsConfig, message)
}
