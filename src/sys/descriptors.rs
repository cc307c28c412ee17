//! Finds out whether this process has closed the file descriptors of this library, as daemons close all descriptors.

#[cfg(unix)]
use std::fs::File;
use std::io;
#[cfg(unix)]
use std::os::unix::fs::MetadataExt;
#[cfg(unix)]
use std::os::unix::net::UnixStream;
#[cfg(unix)]
use std::sync::OnceLock;

/// A descriptor that stays open for the life of the process, and the number of its file.
#[cfg(unix)]
static OURS: OnceLock<(File, u64)> = OnceLock::new();

/// Returns whether the process has closed the descriptors that this library keeps open for the life of the process. Their
/// numbers may belong to other files of the program by now.
#[cfg(unix)]
pub(crate) fn were_closed() -> io::Result<bool> {
    let (file, number) = match OURS.get() {
        Some(ours) => ours,
        None => {
            let file = File::from(std::os::fd::OwnedFd::from(UnixStream::pair()?.0));
            let number = file.metadata()?.ino();
            OURS.get_or_init(|| (file, number))
        }
    };
    Ok(file.metadata().map_or(true, |found| found.ino() != *number))
}

#[cfg(not(unix))]
pub(crate) fn were_closed() -> io::Result<bool> {
    Ok(false)
}
