//! Protects a thread of the host program against pthread_cancel during a call.

/// While this guard exists, pthread_cancel does not end the thread. If it ended the thread inside the library, the C
/// library would unwind stack frames of Rust, and this would abort the process.
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
