//! The HTTP proxies of the environment, as in the AWS CLI: `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`.

use aws_smithy_http_client::proxy::ProxyConfig;
use http::Uri;
use hyper_util::client::proxy::matcher::Matcher;
use std::fmt;
use std::net::IpAddr;

/// The proxies for `http` and `https` endpoints, as the environment had them when the client was opened.
pub(crate) struct Proxies {
    http: Option<Proxy>,
    https: Option<Proxy>,
    matcher: Matcher,
}

/// One proxy.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Proxy {
    /// The variable that names the proxy.
    variable: &'static str,
    /// The URL, which may contain a password.
    url: String,
}

impl Proxies {
    pub(crate) fn from_environment() -> Self {
        Self::from_variables(|name| std::env::var(name).ok())
    }

    fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Self {
        let first = |names: [&'static str; 2]| {
            names.into_iter().find_map(|name| Some((name, variable(name)?))).filter(|(_, value)| !value.is_empty())
        };
        let proxy = |names| {
            first(names).map(|(variable, url)| {
                let url = if url.contains("://") { url } else { format!("http://{url}") };
                Proxy { variable, url }
            })
        };
        let https = proxy(["https_proxy", "HTTPS_PROXY"]);
        // A CGI program must not take HTTP_PROXY from the environment, because a client can set it with a header.
        let http = proxy(["http_proxy", if variable("REQUEST_METHOD").is_some() { "" } else { "HTTP_PROXY" }]);
        let url = |proxy: &Option<Proxy>| proxy.as_ref().map_or_else(String::new, |proxy| proxy.url.clone());
        let exceptions = first(["no_proxy", "NO_PROXY"]).map_or_else(String::new, |(_, hosts)| hosts);
        let matcher = Matcher::builder().http(url(&http)).https(url(&https)).no(exceptions).build();
        Self { http, https, matcher }
    }

    /// Returns the proxy for requests to this URL, if any. Addresses of this machine and of the metadata services of
    /// AWS have none, because a proxy cannot reach them.
    pub(crate) fn of(&self, url: &Uri) -> Option<&Proxy> {
        let is_https = url.scheme_str() == Some("https");
        let proxy = if is_https { &self.https } else { &self.http }.as_ref()?;
        // A URL that the matcher cannot read is an error of the request.
        let applies = || self.matcher.intercept(url).is_some() || proxy.config().is_err();
        (!is_local(url.host()?) && applies()).then_some(proxy)
    }
}

impl fmt::Debug for Proxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxies").field("http", &self.http).field("https", &self.https).finish_non_exhaustive()
    }
}

impl Proxy {
    /// Returns the proxy for the HTTP client. The error is a text for the user.
    pub(crate) fn config(&self) -> Result<ProxyConfig, String> {
        ProxyConfig::all(self.url.as_str()).map_err(|_| {
            format!(
                "{} is not the URL of an HTTP proxy, such as http://proxy.example.com:3128. Correct or unset it",
                self.variable
            )
        })
    }

    /// Returns whether the connection to the proxy uses TLS.
    pub(crate) fn is_https(&self) -> bool {
        self.url.starts_with("https://")
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, rest) = self.url.split_once("://").unwrap_or(("http", &self.url));
        let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
        write!(f, "{scheme}://{} ({})", host.trim_end_matches('/'), self.variable)
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Returns whether the host is this machine, or a metadata service that only this machine can reach.
fn is_local(host: &str) -> bool {
    match host.trim_matches(['[', ']']).parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => address.is_loopback() || address.is_link_local(),
        Ok(IpAddr::V6(address)) => address.is_loopback() || address.to_string() == "fd00:ec2::254",
        Err(_) => host.eq_ignore_ascii_case("localhost"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxy_of(variables: &[(&str, &str)], url: &str) -> Option<String> {
        let find = |name: &str| variables.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned());
        Proxies::from_variables(find).of(&url.parse().unwrap()).map(ToString::to_string)
    }

    #[test]
    fn the_proxy_depends_on_the_scheme_and_the_exceptions() {
        let dynamodb = "https://dynamodb.eu-central-1.amazonaws.com/";
        let https = [("HTTPS_PROXY", "http://user:secret@proxy.example:3128/")];
        assert_eq!(proxy_of(&https, dynamodb).unwrap(), "http://proxy.example:3128 (HTTPS_PROXY)");
        assert_eq!(proxy_of(&https, "http://dynamodb.example:8000/"), None);
        let lower = [("https_proxy", "lower:1"), ("HTTPS_PROXY", "http://upper:1"), ("http_proxy", "plain:1")];
        assert_eq!(proxy_of(&lower, dynamodb).unwrap(), "http://lower:1 (https_proxy)");
        assert_eq!(proxy_of(&lower, "http://dynamodb.example:8000/").unwrap(), "http://plain:1 (http_proxy)");
        for exceptions in [".amazonaws.com", "example.com,amazonaws.com", "*"] {
            let variables = [("HTTPS_PROXY", "proxy:1"), ("no_proxy", exceptions)];
            assert_eq!(proxy_of(&variables, dynamodb), None, "{exceptions}");
        }
        assert_eq!(
            proxy_of(&[("https_proxy", ""), ("HTTPS_PROXY", "proxy:1")], dynamodb),
            None,
            "unset by an empty value"
        );
    }

    #[test]
    fn this_machine_is_reached_without_a_proxy() {
        let variables = [("HTTP_PROXY", "proxy:1")];
        for url in ["http://127.0.0.1:8000/", "http://localhost:8000/", "http://[::1]:8000/", "http://169.254.169.254/"]
        {
            assert_eq!(proxy_of(&variables, url), None, "{url}");
        }
        assert!(proxy_of(&variables, "http://10.0.0.1:8000/").is_some());
        let of_cgi = [("HTTP_PROXY", "proxy:1"), ("REQUEST_METHOD", "GET")];
        assert_eq!(proxy_of(&of_cgi, "http://10.0.0.1:8000/"), None);
    }

    #[test]
    fn a_proxy_that_is_no_http_proxy_is_an_error_without_its_password() {
        for url in ["socks5://user:secret@proxy:1080", "http://user:secret@:no port"] {
            let variables = |name: &str| (name == "HTTPS_PROXY").then(|| url.to_owned());
            let proxies = Proxies::from_variables(variables);
            let error = proxies.of(&"https://dynamodb.example/".parse().unwrap()).unwrap().config().unwrap_err();
            assert!(error.contains("HTTPS_PROXY") && !error.contains("secret"), "{error}");
        }
    }
}
