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

/// Defines an enum whose values have names. An unknown name that is read from the table is kept in the value `Other`.
macro_rules! open_named {
    ($(#[$about:meta])* $type:ident { $($(#[$value_about:meta])* $value:ident = $name:literal,)* }) => {
        $(#[$about])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum $type {
            $($(#[$value_about])* $value,)*
            /// A name that another program stored and that this version does not know.
            Other(String),
        }

        impl $type {
            pub(crate) const NAMES: &[&str] = &[$($name,)*];

            /// Returns the name that is used in header fields and stored items.
            pub fn name(&self) -> &str {
                match self {
                    $(Self::$value => $name,)*
                    Self::Other(name) => name,
                }
            }

            /// Returns the value with this stored name. A name that is not known, for example from a later version,
            /// becomes `Other`.
            pub(crate) fn stored(name: &str) -> Self {
                Self::from_name(name).unwrap_or_else(|| Self::Other(name.to_owned()))
            }

            /// Returns the value with this name, if the name is known. Names are case-sensitive.
            pub fn from_name(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$value),)*
                    _ => None,
                }
            }
        }
    };
}
pub(crate) use open_named;
