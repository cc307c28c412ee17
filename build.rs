//! Sets the SONAME of the shared library and, with the feature `capi`, generates include/postbox.h from src/ffi.

use std::env;

#[cfg(feature = "capi")]
#[path = "include/generate.rs"]
mod generate;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=build.rs");
    // Compiled into the project's own tests only, and so no feature of the crate.
    println!("cargo:rustc-check-cfg=cfg(postbox_simulation)");
    println!("cargo:rerun-if-env-changed=POSTBOX_SIMULATION");
    if env::var_os("POSTBOX_SIMULATION").is_some_and(|value| value == "1") {
        println!("cargo:rustc-cfg=postbox_simulation");
    }
    let version = env::var("CARGO_PKG_VERSION")?;
    if env::var("CARGO_CFG_TARGET_OS")? == "linux" {
        println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libpostbox.so.{}", abi(&version));
    }
    #[cfg(feature = "capi")]
    {
        for path in ["cbindgen.toml", "include"].into_iter().chain(generate::SOURCES.map(|(source, _)| source)) {
            println!("cargo:rerun-if-changed={path}");
        }
        let root = std::path::PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
        // A packaged build may be read-only, and its header is the right one already.
        if root.join(".git").exists() {
            generate::write(&root, &version)?;
        }
    }
    Ok(())
}

/// Returns the version of the ABI: the major version, and before 1.0 the minor version too.
fn abi(version: &str) -> String {
    let mut numbers = version.split('.');
    match (numbers.next().unwrap_or("0"), numbers.next().unwrap_or("0")) {
        ("0", minor) => format!("0.{minor}"),
        (major, _) => major.to_owned(),
    }
}
