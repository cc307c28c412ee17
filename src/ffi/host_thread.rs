//! The thread of the host program during a call.

/// A guard during which the thread cannot be canceled. If pthread_cancel ended the thread inside the library, it would
/// unwind the frames of Rust, which ends the process. The thread is canceled after the call instead.
pub(crate) struct NotCanceled {
    #[cfg(target_os = "linux")]
    before: std::ffi::c_int,
}

#[cfg(target_os = "linux")]
mod pthread {
    use std::ffi::c_int;

    pub(super) const CANCEL_DISABLE: c_int = 1;

    unsafe extern "C" {
        pub(super) safe fn pthread_setcancelstate(state: c_int, before: Option<&mut c_int>) -> c_int;
    }
}

#[cfg(target_os = "linux")]
impl NotCanceled {
    pub(crate) fn begin() -> Self {
        let mut before = 0;
        pthread::pthread_setcancelstate(pthread::CANCEL_DISABLE, Some(&mut before));
        Self { before }
    }
}

#[cfg(target_os = "linux")]
impl Drop for NotCanceled {
    fn drop(&mut self) {
        pthread::pthread_setcancelstate(self.before, None);
    }
}

#[cfg(not(target_os = "linux"))]
impl NotCanceled {
    pub(crate) fn begin() -> Self {
        Self {}
    }
}
