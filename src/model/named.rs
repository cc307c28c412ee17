//! Enums whose values have names.

/// Defines an enum whose values have names.
macro_rules! named {
    ($(#[$about:meta])* $type:ident { $($(#[$value_about:meta])* $value:ident = $name:literal,)* }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum $type {
            $($(#[$value_about])* $value,)*
        }

        impl $type {
            pub(crate) const NAMES: &[&str] = &[$($name,)*];

            /// Returns the name that is used in settings and stored items.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$value => $name,)*
                }
            }

            /// Returns the value with this name, which is case-sensitive.
            pub fn from_name(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$value),)*
                    _ => None,
                }
            }
        }
    };
}
pub(crate) use named;
