//! What the failed requests of every AWS service have in common.

use std::error::Error as StdError;

/// Somebody else's text in our error: bounded.
pub(crate) fn bounded(message: &str) -> &str {
    const MOST: usize = 1000;
    message.char_indices().nth(MOST).map_or(message, |(end, _)| &message[..end])
}

/// The texts of an error and its causes. Not their debug forms, which hold requests and answers.
pub(crate) fn causes(error: &(dyn StdError + 'static)) -> String {
    let mut texts: Vec<String> = Vec::new();
    let mut current = Some(error);
    while let Some(error) = current {
        let text = error.to_string();
        if texts.last().is_none_or(|last| !last.contains(&text)) {
            texts.push(text);
        }
        current = error.source();
    }
    texts.join(": ")
}

/// The error of this type among an error and its causes.
pub(crate) fn find_in_chain<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    let mut current = Some(error);
    while let Some(error) = current {
        if let Some(found) = error.downcast_ref::<T>() {
            return Some(found);
        }
        current = error.source();
    }
    None
}
