//! The version of the library.

use std::ffi::{CStr, c_char};

const VERSION: &CStr = match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
    Ok(version) => version,
    Err(_) => c"",
};

/// Returns the version of the library that is loaded, such as "1.2.3". The string is static, never
/// NULL. POSTBOX_VERSION is the version of the header. A program needs a library of the same major
/// version as the header (before 1.0, also of the same minor version) that is at least as new.
///
/// Thread safety: any thread.
#[unsafe(no_mangle)]
pub extern "C" fn postbox_version() -> *const c_char {
    VERSION.as_ptr()
}
