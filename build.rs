//! Generates include/postbox.h from src/ffi, and gives the shared library its SONAME.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// Opens the header.
const PREAMBLE: &str = include_str!("include/preamble.h");

/// Where the header comes from, in the order of the header.
const SOURCES: [&str; 18] = [
    "src/model/error.rs",
    "src/model/report.rs",
    "src/ffi/version.rs",
    "src/ffi/error.rs",
    "src/ffi/config.rs",
    "src/ffi/producer.rs",
    "src/ffi/message.rs",
    "src/ffi/client.rs",
    "src/ffi/unit_of_work.rs",
    "src/ffi/lease.rs",
    "src/ffi/page.rs",
    "src/ffi/sweep.rs",
    "src/ffi/archive.rs",
    "src/ffi/stats.rs",
    "src/ffi/repair.rs",
    "src/ffi/report.rs",
    "src/ffi/log.rs",
    "src/ffi/text.rs",
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    for path in ["cbindgen.toml", "include"].iter().chain(&SOURCES) {
        println!("cargo:rerun-if-changed={path}");
    }
    let version = env::var("CARGO_PKG_VERSION")?;
    if env::var("CARGO_CFG_TARGET_OS")? == "linux" {
        println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libpostbox.so.{}", abi(&version));
    }
    // A packaged build may be read-only, and its header is the right one already.
    if root.join(".git").exists() {
        write_if_changed(&root.join("include/postbox.h"), &header(&root, &version)?)?;
    }
    Ok(())
}

/// What changes when the ABI does: the major version, before 1.0 the minor one too.
fn abi(version: &str) -> String {
    let mut numbers = version.split('.');
    match (numbers.next().unwrap_or("0"), numbers.next().unwrap_or("0")) {
        ("0", minor) => format!("0.{minor}"),
        (major, _) => major.to_owned(),
    }
}

fn header(root: &Path, version: &str) -> Result<String, Box<dyn std::error::Error>> {
    let mut builder = cbindgen::Builder::new()
        .with_config(cbindgen::Config::from_file(root.join("cbindgen.toml"))?)
        .with_header(PREAMBLE.trim_end())
        .with_after_include(version_macros(version));
    for source in SOURCES {
        builder = builder.with_src(root.join(source));
    }
    let mut text = Vec::new();
    builder.generate()?.write(&mut text);
    // Types are named for what they are, their values for what they are about.
    Ok(String::from_utf8(text)?
        .replace("POSTBOX_CODE_", "POSTBOX_ERROR_")
        .replace("POSTBOX_SEND_OUTCOME_", "POSTBOX_SEND_")
        .replace("POSTBOX_LOG_LEVEL_", "POSTBOX_LOG_"))
}

fn version_macros(version: &str) -> String {
    let mut numbers = version.split(['.', '-', '+']);
    let mut next = || numbers.next().unwrap_or("0").to_owned();
    format!(
        "\n/** The version of this header; that of the library is postbox_version(). */\n\
         #define POSTBOX_VERSION_MAJOR {}\n#define POSTBOX_VERSION_MINOR {}\n#define POSTBOX_VERSION_PATCH {}\n\
         #define POSTBOX_VERSION \"{version}\"",
        next(),
        next(),
        next()
    )
}

fn write_if_changed(path: &Path, text: &str) -> io::Result<()> {
    if fs::read_to_string(path).is_ok_and(|written| written == text) {
        return Ok(());
    }
    fs::write(path, text)
}
