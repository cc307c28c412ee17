//! Media types in the syntax of .NET's class `ContentType`, which Brighter uses.

/// Checks that .NET's `ContentType` can read the text: a type, a subtype, and parameters with values.
pub(crate) fn is_readable(text: &str) -> bool {
    parse(text).is_some()
}

/// Returns whether a body of this media type is text: `text/*`, JSON, XML and URL-encoded forms. A media type that cannot
/// be parsed is not text.
pub(crate) fn is_text(text: &str) -> bool {
    let Some((kind, subtype)) = parse(text).and_then(|(media_type, _)| media_type.split_once('/')) else {
        return false;
    };
    let is_one_of = |text: &str, known: &[&str]| known.iter().any(|known| text.eq_ignore_ascii_case(known));
    is_one_of(kind, &["text"])
        || subtype.rsplit_once('+').is_some_and(|(_, suffix)| is_one_of(suffix, &["json", "xml"]))
        || is_one_of(kind, &["application"]) && is_one_of(subtype, &["json", "xml", "x-www-form-urlencoded"])
}

/// Returns the media type with this charset. An existing charset is replaced. A media type that cannot be parsed is
/// returned unchanged.
#[cfg_attr(not(any(feature = "sns", feature = "sqs")), allow(dead_code))]
pub(crate) fn with_charset(text: &str, charset: &str) -> String {
    let Some((media_type, parameters)) = parse(text) else { return text.to_owned() };
    let is_charset = |(name, _): &(&str, &str)| name.eq_ignore_ascii_case("charset");
    let has_charset = parameters.iter().any(is_charset);
    let kept =
        parameters.into_iter().map(|parameter| if is_charset(&parameter) { ("charset", charset) } else { parameter });
    let added = (!has_charset).then_some(("charset", charset));
    kept.chain(added).fold(media_type.to_owned(), |text, (name, value)| format!("{text}; {name}={value}"))
}

type Parameters<'a> = Vec<(&'a str, &'a str)>;

fn parse(text: &str) -> Option<(&str, Parameters<'_>)> {
    let (media_type, mut rest) = match text.find(';') {
        Some(at) => text.split_at(at),
        None => (text, ""),
    };
    let media_type = media_type.trim_matches(BLANKS);
    let (kind, subtype) = media_type.split_once('/')?;
    if !is_token(kind) || !is_token(subtype) {
        return None;
    }
    let mut parameters = Vec::new();
    while let Some(parameter) = rest.strip_prefix(';') {
        let (name, value) = parameter.trim_start_matches(BLANKS).split_once('=')?;
        let end =
            if value.starts_with('"') { quoted(value)? } else { value.find([';', ' ', '\t']).unwrap_or(value.len()) };
        let (value, after) = value.split_at(end);
        if !is_token(name) || !value.starts_with('"') && !is_token(value) {
            return None;
        }
        parameters.push((name, value));
        rest = after.trim_start_matches(BLANKS);
    }
    rest.is_empty().then_some((media_type, parameters))
}

const BLANKS: [char; 2] = [' ', '\t'];

/// Returns the length of the quoted string at the start of the text.
fn quoted(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if !(b' '..=b'~').contains(&byte) => return None,
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(at + 1),
            _ => {}
        }
    }
    None
}

fn is_token(text: &str) -> bool {
    let is_special = |byte| {
        matches!(
            byte,
            b'(' | b')' | b'<' | b'>' | b'@' | b',' | b';' | b':' | b'\\' | b'"' | b'/' | b'[' | b']' | b'?' | b'='
        )
    };
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic() && !is_special(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dotnets_grammar_is_checked() {
        for text in [
            "text/plain",
            "application/json; charset=utf-8",
            "application/vnd.orders.v1+json",
            " text/plain ;charset=utf-8; format=flowed",
            "multipart/mixed; boundary=\"a \\\"b; c\"",
        ] {
            assert!(is_readable(text), "{text}");
        }
        for text in [
            "",
            "json",
            "text",
            "application json",
            "/json",
            "text/",
            "text/plain;",
            "text/plain; ",
            "text/plain; charset",
            "text/plain; charset=",
            "text/plain; charset =utf-8",
            "text/plain; charset= utf-8",
            "text/plain charset=utf-8",
            "text/pl@in",
            "text/plain; a=\"b",
            "text/plän",
            "a/b/c",
            "text/plain; a=b c",
            "text/plain,text/html",
        ] {
            assert!(!is_readable(text), "{text}");
        }
    }

    #[test]
    fn text_is_known_by_its_media_type() {
        for text in [
            "text/plain",
            "TEXT/CSV; header=present",
            "application/json; charset=utf-8",
            "Application/JSON",
            "application/xml",
            "application/x-www-form-urlencoded",
            "application/cloudevents+json",
            "image/svg+xml",
        ] {
            assert!(is_text(text), "{text}");
        }
        for text in ["application/octet-stream", "application/jsonx", "application/avro", "image/png", "json", ""] {
            assert!(!is_text(text), "{text}");
        }
    }

    #[test]
    fn the_charset_is_replaced_or_added() {
        for (text, expected) in [
            ("text/plain", "text/plain; charset=us-ascii"),
            ("text/plain; charset=utf-8", "text/plain; charset=us-ascii"),
            ("text/plain;format=flowed;Charset=\"utf-8\";a=b", "text/plain; format=flowed; charset=us-ascii; a=b"),
            ("json", "json"),
        ] {
            assert_eq!(with_charset(text, "us-ascii"), expected);
        }
    }
}
