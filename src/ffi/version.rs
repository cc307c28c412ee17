//! The version of the library.

use std::ffi::{CStr, c_char};

const VERSION: &CStr = match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
    Ok(version) => version,
    Err(_) => c"",
};

/// Returns the version of the library that is loaded, such as "1.2.3". The string is static and never
/// NULL.
///
/// The library must not be older than the header with which the program was compiled, whose version
/// is POSTBOX_VERSION. The library and the header must have the same major version. Before version
/// 1.0, they must also have the same minor version.
#[unsafe(no_mangle)]
pub extern "C" fn postbox_version() -> *const c_char {
    VERSION.as_ptr()
}
