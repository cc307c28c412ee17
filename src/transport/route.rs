//! The setting `routes`, which maps topics to targets.

use crate::model::config::invalid;
use crate::model::error::Result;
use crate::model::error::shortened;
use crate::transport::scheme;
use crate::transport::target::Target;

/// The topics to which a route or a producer applies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Pattern {
    /// Exactly this topic.
    Exact(String),
    /// Topics with this prefix.
    Prefix(String),
    /// Every topic to which no other route or producer applies.
    Default,
}

/// One route.
#[derive(Debug)]
pub(crate) struct Route {
    pub(super) pattern: Pattern,
    /// The text of the target, such as `sns:greetings`.
    pub(super) address: String,
    pub(super) target: Box<dyn Target>,
}

impl Pattern {
    fn parse(text: &str) -> Result<Self, String> {
        match text.split_once('*') {
            None if text.is_empty() => Err("the route names no topic before the =".into()),
            None => Ok(Self::Exact(text.to_owned())),
            Some(("", "")) => Ok(Self::Default),
            Some((prefix, "")) => Ok(Self::Prefix(prefix.to_owned())),
            Some(_) => Err("the route can match no topic: a * is allowed at the end only".into()),
        }
    }
}

impl std::fmt::Display for Pattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Exact(topic) => f.write_str(topic),
            Self::Prefix(prefix) => write!(f, "{prefix}*"),
            Self::Default => f.write_str("*"),
        }
    }
}

/// Reads all routes, one per line or separated by `;`.
pub(crate) fn parse(routes: &str) -> Result<Vec<Route>> {
    let mut parsed: Vec<Route> = Vec::new();
    for text in routes.split(['\n', ';']).map(str::trim).filter(|text| !text.is_empty()) {
        let rejected = |why: String| invalid(format!("routes: \"{}\": {why}", shortened(text)));
        let (pattern, address) = text
            .split_once('=')
            .ok_or_else(|| rejected(format!("a route has the form {}", scheme::forms("TOPIC = "))))?;
        let pattern = Pattern::parse(pattern.trim()).map_err(rejected)?;
        let address = address.trim().to_owned();
        let target = scheme::parse(&address).map_err(rejected)?;
        if parsed.iter().any(|route| route.pattern == pattern) {
            return Err(rejected(format!("the route can match nothing: an earlier route is for {pattern} already")));
        }
        parsed.push(Route { pattern, address, target });
    }
    Ok(parsed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::error::ErrorCode;

    #[test]
    fn routes_are_read_from_lines_and_semicolons() {
        let routes = parse("a.b = loopback:one\n orders.*=loopback:two ;\n;* = loopback:three.fifo").unwrap();
        let patterns: Vec<_> = routes.iter().map(|route| route.pattern.clone()).collect();
        assert_eq!(patterns, [Pattern::Exact("a.b".into()), Pattern::Prefix("orders.".into()), Pattern::Default]);
        assert!(parse(" ;\n").unwrap().is_empty());
    }

    #[test]
    fn malformed_and_unreachable_routes_are_rejected() {
        for (routes, expected) in [
            ("a", "TOPIC = sns:"),
            ("= loopback:a", "names no topic"),
            ("a.*.b = loopback:a", "can match no topic"),
            ("** = loopback:a", "can match no topic"),
            ("a = loopback:a; a = loopback:b", "earlier route is for a already"),
            ("a* = loopback:a; a* = loopback:b", "earlier route is for a* already"),
            ("* = loopback:a\n* = loopback:b", "earlier route is for * already"),
            ("a = kafka:a", "kafka"),
        ] {
            let error = parse(routes).unwrap_err();
            assert_eq!(error.code(), ErrorCode::InvalidSetting, "{routes}");
            assert!(error.message().contains(expected), "{error}");
        }
    }
}
