//! Credentials that the program replaces while the Postbox is open.

use crate::api::postbox::Postbox;
use crate::model::config::Config;
use crate::model::error::Result;

impl Postbox {
    /// Signs the next requests to AWS with these credentials, in place of those of the settings or of the default chain.
    /// Programs whose credentials come from their own source call this method each time the source has new ones, before the
    /// old ones expire. The producers of SNS and SQS use the credentials too. Requests in progress continue, and are repeated
    /// with the new credentials if AWS rejects the old ones as expired. Sends no request.
    ///
    /// The default chain already renews the credentials of profiles, roles, containers and instances.
    ///
    /// ```
    /// let postbox = postbox::Postbox::builder()
    ///     .region("eu-central-1")
    ///     .access_key_id("ASIAOLD")
    ///     .secret_access_key("the secret")
    ///     .session_token("the token")
    ///     .open()?;
    /// // An hour later:
    /// postbox.set_credentials("ASIANEW", "another secret", Some("another token"))?;
    /// # Ok::<(), postbox::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorCode::InvalidSetting`](crate::ErrorCode::InvalidSetting) if a value is empty or too long; see `access_key_id`,
    /// `secret_access_key` and `session_token` in `CONFIGURATION.md`. The credentials are unchanged then.
    /// [`ErrorCode::Closed`](crate::ErrorCode::Closed), [`ErrorCode::Forked`](crate::ErrorCode::Forked).
    pub fn set_credentials(
        &self,
        access_key_id: &str,
        secret_access_key: &str,
        session_token: Option<&str>,
    ) -> Result<()> {
        self.engine.runtime.check_open()?;
        let settings = Config::with_credentials(access_key_id, secret_access_key, session_token.unwrap_or(""))?;
        if let Some(used) = &self.engine.credentials {
            used.replace(&settings);
        }
        Ok(())
    }
}
