//! The address of an SNS topic or an SQS queue: a name, an ARN or a URL.

/// An address of a topic or a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Address {
    /// A name, which is looked up once in the account and region of the settings.
    Name(String),
    Arn(Arn),
    /// The URL of a queue.
    Url(QueueUrl),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Arn {
    pub(super) text: String,
    pub(super) partition: String,
    pub(super) region: String,
    pub(super) account: String,
    pub(super) name: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct QueueUrl {
    pub(super) text: String,
    /// The region, if the URL is of Amazon's public endpoint.
    pub(super) region: Option<String>,
    /// The scheme and host, if the URL has another endpoint.
    pub(super) endpoint: Option<String>,
}

impl Address {
    /// Parses the name or ARN of a topic.
    pub(super) fn of_topic(text: &str) -> Result<Self, String> {
        Self::parse(text, "sns")
    }

    /// Parses the name, ARN or URL of a queue.
    pub(super) fn of_queue(text: &str) -> Result<Self, String> {
        if text.starts_with("http://") || text.starts_with("https://") {
            return QueueUrl::parse(text).map(Self::Url);
        }
        Self::parse(text, "sqs")
    }

    fn parse(text: &str, service: &str) -> Result<Self, String> {
        if text.starts_with("arn:") {
            return Arn::parse(text, service).map(Self::Arn);
        }
        check_name(text, service)?;
        Ok(Self::Name(text.to_owned()))
    }

    /// Returns the address as it is written in the route.
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Name(name) => name,
            Self::Arn(arn) => &arn.text,
            Self::Url(url) => &url.text,
        }
    }

    /// Returns the region that is part of the address, if the address contains a region.
    pub(super) fn region(&self) -> Option<&str> {
        match self {
            Self::Name(_) => None,
            Self::Arn(arn) => Some(&arn.region),
            Self::Url(url) => url.region.as_deref(),
        }
    }

    pub(super) fn is_fifo(&self) -> bool {
        self.text().ends_with(".fifo")
    }
}

impl Arn {
    fn parse(text: &str, service: &str) -> Result<Self, String> {
        let parts: Vec<&str> = text.split(':').collect();
        let [_, partition, of, region, account, name] = parts[..] else {
            return Err(format!("an ARN has the form arn:aws:{service}:REGION:ACCOUNT:NAME"));
        };
        if of != service {
            return Err(format!("the ARN is of the service \"{of}\", not of {service}"));
        }
        if partition_of(region) != partition {
            return Err(format!(
                "the ARN names the partition \"{partition}\", and its region \"{region}\" is in {}",
                partition_of(region)
            ));
        }
        if account.len() != 12 || !account.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(format!("the ARN's account \"{account}\" is not a number of 12 digits"));
        }
        check_name(name, service)?;
        let owned = str::to_owned;
        Ok(Self {
            text: owned(text),
            partition: owned(partition),
            region: owned(region),
            account: owned(account),
            name: owned(name),
        })
    }
}

impl QueueUrl {
    fn parse(text: &str) -> Result<Self, String> {
        let (scheme, rest) = text.split_once("://").unwrap_or(("https", text));
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let name = path.rsplit('/').next().unwrap_or_default();
        if host.is_empty() || !path.contains('/') {
            return Err("a queue's URL has the form https://sqs.REGION.amazonaws.com/ACCOUNT/NAME".into());
        }
        check_name(name, "sqs")?;
        let region = region_of(host);
        let endpoint = region.is_none().then(|| format!("{scheme}://{host}"));
        Ok(Self { text: text.to_owned(), region: region.map(str::to_owned), endpoint })
    }
}

/// Returns the region in the name of one of Amazon's public hosts for SQS.
fn region_of(host: &str) -> Option<&str> {
    let name = host.strip_suffix(".amazonaws.com").or_else(|| host.strip_suffix(".amazonaws.com.cn"))?;
    let region = name.strip_prefix("sqs.").or_else(|| name.strip_suffix(".queue"))?;
    (!region.contains('.')).then_some(region)
}

/// Returns the partition of a region, which follows from the prefix of its name.
pub(super) fn partition_of(region: &str) -> &'static str {
    const PARTITIONS: &[(&str, &str)] = &[
        ("cn-", "aws-cn"),
        ("us-gov-", "aws-us-gov"),
        ("us-isob-", "aws-iso-b"),
        ("us-isof-", "aws-iso-f"),
        ("us-iso-", "aws-iso"),
        ("eu-isoe-", "aws-iso-e"),
        ("eusc-", "aws-eusc"),
    ];
    PARTITIONS.iter().find(|(prefix, _)| region.starts_with(prefix)).map_or("aws", |(_, partition)| partition)
}

/// Checks that a name consists of letters, digits, `-` and `_`, with `.fifo` allowed at the end, and has up to 256
/// characters for a topic or 80 for a queue.
fn check_name(name: &str, service: &str) -> Result<(), String> {
    let most = if service == "sns" { 256 } else { 80 };
    let stem = name.strip_suffix(".fifo").unwrap_or(name);
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if stem.is_empty() || name.len() > most || !stem.chars().all(allowed) {
        return Err(format!(
            "\"{}\" is not a name in {}: 1 to {most} letters, digits, - and _, and .fifo at the end if it is FIFO",
            crate::model::error::shortened(name),
            service.to_uppercase()
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_and_queues_are_found_by_name_arn_and_url() {
        assert_eq!(Address::of_topic("greetings").unwrap(), Address::Name("greetings".into()));
        let Address::Arn(arn) = Address::of_topic("arn:aws-cn:sns:cn-north-1:123456789012:a.fifo").unwrap() else {
            panic!("an ARN")
        };
        assert_eq!(
            (arn.partition.as_str(), arn.region.as_str(), arn.account.as_str(), arn.name.as_str()),
            ("aws-cn", "cn-north-1", "123456789012", "a.fifo")
        );
        let amazon = Address::of_queue("https://sqs.eu-central-1.amazonaws.com/123456789012/orders.fifo").unwrap();
        assert_eq!((amazon.region(), amazon.is_fifo()), (Some("eu-central-1"), true));
        for other in ["http://127.0.0.1:5000/1/q", "https://vpce-1.sqs.us-east-1.vpce.amazonaws.com/1/q"] {
            let Address::Url(url) = Address::of_queue(other).unwrap() else { panic!("a URL") };
            assert_eq!((url.region, url.endpoint.as_deref()), (None, other.strip_suffix("/1/q")));
        }
    }

    #[test]
    fn malformed_addresses_are_rejected_with_the_reason() {
        for (text, expected) in [
            ("", "is not a name"),
            ("a b", "is not a name"),
            (".fifo", "is not a name"),
            ("http://a/b/c", "is not a name"),
            ("arn:aws:sns:eu-central-1:a", "form arn:aws:sns:"),
            ("arn:aws:sqs:eu-central-1:123456789012:a", "service \"sqs\""),
            ("arn:aws:sns:cn-north-1:123456789012:a", "is in aws-cn"),
            ("arn:aws-cn:sns:eu-central-1:123456789012:a", "is in aws"),
            ("arn:aws:sns:eu-central-1:1234:a", "12 digits"),
        ] {
            let error = Address::of_topic(text).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
        for (text, expected) in [
            (&*"q".repeat(81), "1 to 80"),
            ("https://sqs.eu-central-1.amazonaws.com/orders", "ACCOUNT/NAME"),
            ("https://", "ACCOUNT/NAME"),
        ] {
            let error = Address::of_queue(text).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
