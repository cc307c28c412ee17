//! The AWS SDK's client: its configuration, its network, and the embedded database behind it.

mod credentials;
mod embedded;
mod environment;
mod foreign;
mod metadata;
mod names;
mod network;
mod proxies;
mod renewal;
mod troubles;
