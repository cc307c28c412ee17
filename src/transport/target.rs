//! What a route leads to: a topic of SNS or a queue of SQS, by name, ARN or URL.

/// A topic or a queue.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Target {
    Sns(Address),
    Sqs(Address),
}

/// How a topic or a queue is given.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Address {
    /// Looked up once, in the account and region of the settings.
    Name(String),
    Arn(Arn),
    /// A queue only.
    Url(QueueUrl),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Arn {
    pub(crate) text: String,
    pub(crate) partition: String,
    pub(crate) region: String,
    pub(crate) account: String,
    pub(crate) name: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct QueueUrl {
    pub(crate) text: String,
    /// Of a queue at Amazon's public endpoint.
    pub(crate) region: Option<String>,
    /// Scheme and host, where the endpoint is another one.
    pub(crate) endpoint: Option<String>,
}

impl Target {
    /// Reads `sns:...` or `sqs:...`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (scheme, address) = text.split_once(':').unwrap_or(("", text));
        match scheme {
            "sns" => Address::parse(address, "sns").map(Self::Sns),
            "sqs" if address.starts_with("http://") || address.starts_with("https://") => {
                QueueUrl::parse(address).map(|url| Self::Sqs(Address::Url(url)))
            }
            "sqs" => Address::parse(address, "sqs").map(Self::Sqs),
            other => Err(format!("\"{other}\" is not a transport: a target begins with sns: or sqs:")),
        }
    }
}

impl Address {
    fn parse(text: &str, service: &str) -> Result<Self, String> {
        if text.starts_with("arn:") {
            return Arn::parse(text, service).map(Self::Arn);
        }
        check_name(text, service)?;
        Ok(Self::Name(text.to_owned()))
    }

    /// What a person calls it, and the service's API takes for it once it is looked up.
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Name(name) => name,
            Self::Arn(arn) => &arn.text,
            Self::Url(url) => &url.text,
        }
    }

    /// The region that the address itself names.
    pub(crate) fn region(&self) -> Option<&str> {
        match self {
            Self::Name(_) => None,
            Self::Arn(arn) => Some(&arn.region),
            Self::Url(url) => url.region.as_deref(),
        }
    }

    pub(crate) fn is_fifo(&self) -> bool {
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

/// The region in the name of one of Amazon's public hosts for SQS.
fn region_of(host: &str) -> Option<&str> {
    let name = host.strip_suffix(".amazonaws.com").or_else(|| host.strip_suffix(".amazonaws.com.cn"))?;
    let region = name.strip_prefix("sqs.").or_else(|| name.strip_suffix(".queue"))?;
    (!region.contains('.')).then_some(region)
}

/// The partition that a region is in, by the beginning of its name.
pub(crate) fn partition_of(region: &str) -> &'static str {
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

/// Letters, digits, `-` and `_`, and `.fifo` at the end: 256 characters for a topic, 80 for a queue.
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
        let sqs = |text: &str| match Target::parse(text).unwrap() {
            Target::Sqs(address) => address,
            other => panic!("{other:?}"),
        };
        assert_eq!(Target::parse("sns:greetings").unwrap(), Target::Sns(Address::Name("greetings".into())));
        let Target::Sns(Address::Arn(arn)) =
            Target::parse("sns:arn:aws-cn:sns:cn-north-1:123456789012:a.fifo").unwrap()
        else {
            panic!("an ARN")
        };
        assert_eq!(
            (arn.partition.as_str(), arn.region.as_str(), arn.account.as_str(), arn.name.as_str()),
            ("aws-cn", "cn-north-1", "123456789012", "a.fifo")
        );
        let amazon = sqs("sqs:https://sqs.eu-central-1.amazonaws.com/123456789012/orders.fifo");
        assert_eq!((amazon.region(), amazon.is_fifo()), (Some("eu-central-1"), true));
        for other in ["http://127.0.0.1:5000/1/q", "https://vpce-1.sqs.us-east-1.vpce.amazonaws.com/1/q"] {
            let Address::Url(url) = sqs(&format!("sqs:{other}")) else { panic!("a URL") };
            assert_eq!((url.region, url.endpoint.as_deref()), (None, other.strip_suffix("/1/q")));
        }
    }

    #[test]
    fn what_cannot_be_a_target_is_refused_with_the_reason() {
        for (text, expected) in [
            ("kafka:a", "\"kafka\" is not a transport"),
            ("greetings", "begins with sns: or sqs:"),
            ("sns:", "is not a name"),
            ("sns:a b", "is not a name"),
            ("sns:.fifo", "is not a name"),
            ("sns:http://a/b/c", "is not a name"),
            (&format!("sqs:{}", "q".repeat(81)), "1 to 80"),
            ("sns:arn:aws:sns:eu-central-1:a", "form arn:aws:sns:"),
            ("sns:arn:aws:sqs:eu-central-1:123456789012:a", "service \"sqs\""),
            ("sns:arn:aws:sns:cn-north-1:123456789012:a", "is in aws-cn"),
            ("sns:arn:aws-cn:sns:eu-central-1:123456789012:a", "is in aws"),
            ("sns:arn:aws:sns:eu-central-1:1234:a", "12 digits"),
            ("sqs:https://sqs.eu-central-1.amazonaws.com/orders", "ACCOUNT/NAME"),
            ("sqs:https://", "ACCOUNT/NAME"),
        ] {
            let refused = Target::parse(text).unwrap_err();
            assert!(refused.contains(expected), "{text}: {refused}");
        }
    }
}
