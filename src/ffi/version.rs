//! Which version of the library this is.

use std::ffi::{CStr, c_char};

const VERSION: &CStr = match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
    Ok(version) => version,
    Err(_) => c"",
};

/// The version of the library that is loaded, such as "1.2.3": a static string, never NULL.
/// POSTBOX_VERSION is that of the header; a program needs a library of the same major version
/// (before 1.0 also of the same minor version), and at least as new as the header.
///
/// Thread safety: any thread.
#[unsafe(no_mangle)]
pub extern "C" fn postbox_version() -> *const c_char {
    VERSION.as_ptr()
}
