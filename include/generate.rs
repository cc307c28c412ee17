//! Generates include/postbox.h from src/ffi with cbindgen; a part of build.rs.

use std::path::Path;
use std::{fs, io};

/// The text at the start of the header.
const PREAMBLE: &str = include_str!("preamble.h");

/// The sources of the header, in its order. The functions of each follow a banner with its title.
pub const SOURCES: [(&str, &str); 35] = [
    ("src/model/error.rs", ""),
    ("src/model/report.rs", ""),
    ("src/ffi/version.rs", "Version"),
    ("src/ffi/error.rs", "Errors"),
    ("src/ffi/config.rs", "Settings and producers"),
    ("src/ffi/producer.rs", ""),
    ("src/ffi/message.rs", "Messages"),
    ("src/ffi/message_content.rs", ""),
    ("src/ffi/cancel.rs", "Cancellation"),
    ("src/ffi/client.rs", "Client: open, deposit, clear, close"),
    ("src/ffi/unit_of_work.rs", "Units of work"),
    ("src/ffi/item_action.rs", ""),
    ("src/ffi/item.rs", "Items"),
    ("src/ffi/item_handle.rs", ""),
    ("src/ffi/value_kind.rs", ""),
    ("src/ffi/value.rs", ""),
    ("src/ffi/put.rs", "Messages in transactions of other clients"),
    ("src/ffi/lease.rs", ""),
    ("src/ffi/sweep.rs", "Sweeping"),
    ("src/ffi/page.rs", "Lists of messages"),
    ("src/ffi/selection.rs", "Selections of messages"),
    ("src/ffi/by_id.rs", "Messages by id"),
    ("src/ffi/repair.rs", "Unparking and replaying"),
    ("src/ffi/archive.rs", "Archiving"),
    ("src/ffi/stats.rs", "Counts and statistics"),
    ("src/ffi/operator.rs", "Information for operators"),
    ("src/ffi/held_lease.rs", "Leases of the program"),
    ("src/ffi/report.rs", "Reports"),
    ("src/ffi/operation.rs", "Asynchronous operations"),
    ("src/ffi/start.rs", ""),
    ("src/ffi/start_operator.rs", ""),
    ("src/ffi/result.rs", ""),
    ("src/ffi/log.rs", "Logging"),
    ("src/ffi/trace.rs", "Tracing"),
    ("src/ffi/text.rs", "Strings"),
];

/// The declarations of functions and enums in the header.
const MACROS: &str = "
/**
 * The time 1970-01-01T00:00:00Z in ticks. A tick is 100 nanoseconds, and ticks are counted from
 * 0001-01-01T00:00:00Z, as in .NET and in the outbox table. A Unix time in seconds, times 10,000,000,
 * plus this number, is a time in ticks.
 */
#define POSTBOX_UNIX_EPOCH_TICKS INT64_C(621355968000000000)

/** Marks a function that the library exports. On Windows, define POSTBOX_STATIC to link the static library. */
#if defined(_WIN32) && !defined(POSTBOX_STATIC)
#define POSTBOX_API __declspec(dllimport)
#elif defined(__GNUC__)
#define POSTBOX_API __attribute__((visibility(\"default\")))
#else
#define POSTBOX_API
#endif

/** Makes the compiler warn if a caller ignores a returned error, which would leak. */
#if defined(__GNUC__)
#define POSTBOX_MUST_CHECK __attribute__((warn_unused_result))
#else
#define POSTBOX_MUST_CHECK
#endif

/**
 * Declares an enum whose values are passed as int32_t. A later version of the library can add values,
 * so a program must accept values that it does not know.
 */
#if defined(__cplusplus)
#define POSTBOX_ENUM(name) enum name : int32_t
#elif defined(__STDC_VERSION__) && __STDC_VERSION__ >= 202311L
#define POSTBOX_ENUM(name) typedef enum name : int32_t name; enum name : int32_t
#else
#define POSTBOX_ENUM(name) typedef int32_t name; enum name
#endif";

/// The lines that cbindgen writes around an enum in place of [`MACROS`].
const ENUM_TYPE: &str = "
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {";

/// Parameters and fields that take an unknown value without undefined behaviour in Rust, and are named for their enum here.
const NUMBERS: [(&str, &str); 6] = [
    ("int32_t kind", "postbox_kind kind"),
    ("int32_t state", "postbox_state state"),
    ("int32_t *outcomes", "postbox_send_outcome *outcomes"),
    ("int32_t outcome", "postbox_send_outcome outcome"),
    ("int32_t level", "postbox_log_level level"),
    ("int32_t lease", "postbox_lease lease"),
];

/// Writes include/postbox.h if it differs.
pub fn write(root: &Path, version: &str) -> Result<(), Box<dyn std::error::Error>> {
    Ok(write_if_changed(&root.join("include/postbox.h"), &header(root, version)?)?)
}

fn header(root: &Path, version: &str) -> Result<String, Box<dyn std::error::Error>> {
    let mut builder = cbindgen::Builder::new()
        .with_config(cbindgen::Config::from_file(root.join("cbindgen.toml"))?)
        .with_header(PREAMBLE.trim_end())
        .with_after_include(version_macros(version) + "\n" + MACROS);
    for (source, _) in SOURCES {
        builder = builder.with_src(root.join(source));
    }
    let mut written = Vec::new();
    builder.generate()?.write(&mut written);
    let mut text = enums(&String::from_utf8(written)?);
    // The prefix of the values is shorter than the name of the type.
    for (prefix, shorter) in [
        ("POSTBOX_CODE_", "POSTBOX_ERROR_"),
        ("POSTBOX_SEND_OUTCOME_", "POSTBOX_SEND_"),
        ("POSTBOX_LOG_LEVEL_", "POSTBOX_LOG_"),
    ]
    .into_iter()
    .chain(NUMBERS)
    {
        text = text.replace(prefix, shorter);
    }
    let untagged = |line: &str| {
        if line.starts_with("typedef struct") { line.to_owned() } else { line.replace("struct postbox_", "postbox_") }
    };
    text = text.lines().map(|line| untagged(line) + "\n").collect();
    // cbindgen already puts long declarations on a separate line.
    for export in ["POSTBOX_API postbox_error *", "POSTBOX_API\npostbox_error *"] {
        text = text.replace(export, "POSTBOX_API POSTBOX_MUST_CHECK\npostbox_error *");
    }
    for (source, title) in SOURCES {
        banner(&mut text, title, &fs::read_to_string(root.join(source))?)?;
    }
    Ok(text)
}

/// Replaces the lines that cbindgen writes around each enum by a macro.
fn enums(text: &str) -> String {
    let mut result = String::new();
    for (number, part) in text.split("\nenum ").enumerate() {
        let Some((name, rest)) = part.split_once(ENUM_TYPE).filter(|_| number > 0) else {
            result += if number > 0 { "\nenum " } else { "" };
            result += part;
            continue;
        };
        let (values, after) = rest.split_once("};\n#ifndef __cplusplus\n").unwrap_or((rest, ""));
        let (_, after) = after.split_once("#endif // __cplusplus\n").unwrap_or(("", after));
        result += &format!("\nPOSTBOX_ENUM({name})\n{{{values}}};\n{after}");
    }
    result
}

/// Puts a banner before the first function of a source file.
fn banner(text: &mut String, title: &str, source: &str) -> io::Result<()> {
    if title.is_empty() {
        return Ok(());
    }
    let missing = || io::Error::other(format!("no function for the banner \"{title}\""));
    let (_, after) = source.split_once("extern \"C\" fn ").ok_or_else(missing)?;
    let (name, _) = after.split_once('(').ok_or_else(missing)?;
    // Skips the examples in the comments before the first function.
    let functions = text
        .find(
            "
POSTBOX_API",
        )
        .ok_or_else(missing)?;
    let find = |call: String| text[functions..].find(&call).map(|at| functions + at);
    let call = find(format!(" {name}(")).or_else(|| find(format!("*{name}("))).ok_or_else(missing)?;
    let start = text[..call]
        .rfind(
            "

",
        )
        .ok_or_else(missing)?;
    let line = "=".repeat(92);
    text.insert_str(
        start + 1,
        &format!(
            "
/* {line}
 * {title}
 * {line} */
"
        ),
    );
    Ok(())
}

fn version_macros(version: &str) -> String {
    let mut numbers = version.split(['.', '-', '+']);
    let mut next = || numbers.next().unwrap_or("0").to_owned();
    format!(
        "\n/** The version of this header. postbox_version() returns the version of the loaded library. */\n\
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
