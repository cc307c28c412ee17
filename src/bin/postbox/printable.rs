//! Text that is safe to show on a terminal. Ids, topics, headers and error messages come from other programs.

use serde_json::Value;

/// Returns whether the character can change how a terminal shows the text around it: control characters (C0, DEL and C1),
/// the separators of lines and paragraphs, and the controls of bidirectional text.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Replaces the characters that could move a terminal's cursor, change its colours or reorder its text. The result is one
/// line.
pub fn printable(text: &str) -> String {
    text.chars().map(|c| if is_hidden(c) { '\u{fffd}' } else { c }).collect()
}

/// Returns whether a body is safe to show as it is, with its line breaks and tabs.
pub fn is_printable(body: &str) -> bool {
    !body.replace("\r\n", "\n").contains(|c| is_hidden(c) && !matches!(c, '\n' | '\t'))
}

/// Returns the value as JSON on one line. It contains the same strings, but all characters that [`printable`] replaces are
/// escaped.
pub fn json_line(value: &Value) -> String {
    value.to_string().chars().fold(String::new(), |mut line, c| {
        // Hidden characters occur only within strings, and each is a single unit of UTF-16.
        if is_hidden(c) {
            line += &format!("\\u{:04x}", u32::from(c));
        } else {
            line.push(c);
        }
        line
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HIDDEN: &str = "\0\x07\x08\t\n\r\x1b\x7f\u{80}\u{85}\u{9b}\u{9f}\u{61c}\u{200e}\u{200f}\u{2028}\u{2029}\u{202a}\u{202e}\u{2066}\u{2069}";

    #[test]
    fn hidden_characters_are_replaced() {
        for c in HIDDEN.chars() {
            assert_eq!(printable(&format!("a{c}b")), "a\u{fffd}b", "{c:?}");
        }
        let harmless = "Ünï çode, 漢字, עברית, 👩\u{200d}🔬";
        assert_eq!(printable(harmless), harmless);
    }

    #[test]
    fn bodies_with_hidden_characters_are_not_printable() {
        assert!(is_printable("a\r\n\tb\n"));
        for c in HIDDEN.chars().filter(|c| !matches!(c, '\t' | '\n')) {
            assert!(!is_printable(&format!("a{c}b")), "{c:?}");
        }
    }

    #[test]
    fn json_has_the_same_strings_without_hidden_characters() {
        let value = serde_json::json!({ HIDDEN: [HIDDEN, "a\nb\u{1f600}"] });
        let line = json_line(&value);
        assert!(!line.contains(is_hidden), "{line:?}");
        assert_eq!(serde_json::from_str::<Value>(&line).unwrap(), value);
    }
}
