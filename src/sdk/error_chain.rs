//! The errors of the AWS SDK and their causes, for every service.

use std::error::Error as StdError;

/// Shortens a message of another program for use in an error of Postbox.
pub(crate) fn bounded(message: &str) -> &str {
    const MAX_CHARS: usize = 1000;
    message.char_indices().nth(MAX_CHARS).map_or(message, |(end, _)| &message[..end])
}

/// Returns the messages of an error and its causes. The `Debug` output of the errors is not used, because it contains
/// requests and responses.
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

/// Finds an error of this type among an error and its causes.
pub(crate) fn find_in_chain<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    let mut current = Some(error);
    while let Some(error) = current {
        if let Some(found) = error.downcast_ref::<T>() {
            return Some(found);
        }
        current = cause(error);
    }
    None
}

/// Returns the cause of an error. The cause of an I/O error is its payload, which `source` skips.
fn cause<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a (dyn StdError + 'static)> {
    match error.downcast_ref::<std::io::Error>() {
        Some(error) => error.get_ref().map(|payload| payload as _),
        None => error.source(),
    }
}
