//! The table of transports for routes.

#[cfg(any(feature = "sns", feature = "sqs"))]
use crate::transport::aws;
use crate::transport::target::Target;

/// A transport. Its name is the part of a target before the colon: `sns` in `sns:greetings`.
struct Scheme {
    name: &'static str,
    /// Parses the address after the colon, or returns the reason for which it is invalid.
    parse: fn(&str) -> Result<Box<dyn Target>, String>,
}

/// Expands to the row of a transport, whose feature has the same name. Without the feature, a route to the transport
/// fails with an error that names the feature.
macro_rules! scheme {
    ($name:literal, $parse:path) => {
        Scheme {
            name: $name,
            #[cfg(feature = $name)]
            parse: $parse,
            #[cfg(not(feature = $name))]
            parse: |_| {
                Err(concat!("this build of Postbox has no transport ", $name, ": build it with the feature ", $name)
                    .into())
            },
        }
    };
}

const SCHEMES: &[Scheme] = &[
    scheme!("sns", aws::sns::parse),
    scheme!("sqs", aws::sqs::parse),
    #[cfg(test)]
    Scheme { name: "loopback", parse: crate::transport::loopback::parse },
];

/// Parses a target, `SCHEME:ADDRESS`, or returns the reason for which it is invalid.
pub(super) fn parse(target: &str) -> Result<Box<dyn Target>, String> {
    let (name, address) = target.split_once(':').unwrap_or(("", target));
    match SCHEMES.iter().find(|scheme| scheme.name == name) {
        Some(scheme) => (scheme.parse)(address),
        None => Err(format!("\"{name}\" is not a transport: a target starts with {}", forms(""))),
    }
}

/// Returns the start of each valid target, such as `sns: or sqs:`, for an error message. `before` is written before
/// each.
pub(super) fn forms(before: &str) -> String {
    let forms: Vec<_> = SCHEMES.iter().map(|scheme| format!("{before}{}:", scheme.name)).collect();
    forms.join(" or ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::config::Config;
    use crate::model::message::Message;
    use crate::runtime::Runtime;
    use crate::sdk::Shared;
    use crate::sdk::credentials::Renewable;
    use crate::transport::{Router, SendOutcome, add_routes, route};
    use aws_config::SdkConfig;
    use std::sync::Arc;

    #[test]
    fn a_target_without_a_known_transport_is_rejected() {
        for (target, expected) in
            [("kafka:a", "\"kafka\" is not a transport"), ("greetings", "a target starts with sns: or sqs:")]
        {
            let error = parse(target).unwrap_err();
            assert!(error.contains(expected), "{target}: {error}");
        }
    }

    /// The third transport, besides SNS and SQS, is `loopback`, which exists only in tests.
    #[test]
    fn a_route_to_a_third_transport_is_parsed_opened_and_used() {
        let routes = route::parse("a = loopback:here; b.* = loopback:here; * = loopback:there").unwrap();
        let (config, runtime) = (Config::default(), Runtime::start().unwrap());
        let (sdk, requests) =
            (SdkConfig::builder().build(), tokio::runtime::Builder::new_current_thread().build().unwrap());
        let credentials = Renewable::new(requests.handle().clone(), sdk.clone(), None, None);
        let shared = Shared { sdk, credentials };
        let mut router = Router::default();
        add_routes(&mut router, routes, &config, &shared, &Arc::new(runtime), None).unwrap();
        let producer = |topic| router.route(topic).unwrap();
        let send = |topic| producer(topic).send(&[Message::new(topic, "x")]);
        assert_eq!(send("a"), [SendOutcome::Retry("here".into())]);
        assert_eq!(send("c"), [SendOutcome::Retry("there".into())]);
        assert!(Arc::ptr_eq(producer("a"), producer("b.c")), "routes to one target share a producer");

        let error = route::parse("a = loopback:").unwrap_err();
        assert!(error.message().contains("loopback needs a place"), "{error}");
    }

    #[test]
    #[cfg(not(feature = "sns"))]
    fn a_transport_that_is_not_compiled_in_is_named() {
        let error = route::parse("a = sns:greetings").unwrap_err();
        assert_eq!(error.code(), crate::model::error::ErrorCode::InvalidSetting);
        assert!(error.message().contains("no transport sns"), "{error}");
    }
}
