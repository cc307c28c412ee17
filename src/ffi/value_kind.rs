//! The types of values in DynamoDB.

/// The type of a value in DynamoDB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum postbox_kind {
    /// There is no value: the pointer is NULL.
    Missing = 0,
    /// A string (S).
    String = 1,
    /// A decimal number of up to 38 digits (N).
    Number = 2,
    /// Bytes (B).
    Binary = 3,
    /// True or false (BOOL).
    Bool = 4,
    /// Null (NULL).
    Null = 5,
    /// Values by name (M).
    Map = 6,
    /// Values in order (L).
    List = 7,
    /// Different strings (SS).
    StringSet = 8,
    /// Different numbers (NS).
    NumberSet = 9,
    /// Different byte strings (BS).
    BinarySet = 10,
}

impl postbox_kind {
    /// Returns the kind with this number. Numbers of later versions are treated as missing.
    pub(crate) fn of(number: i32) -> Self {
        use postbox_kind::*;
        let kinds = [Missing, String, Number, Binary, Bool, Null, Map, List, StringSet, NumberSet, BinarySet];
        kinds.into_iter().find(|kind| *kind as i32 == number).unwrap_or(Missing)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Missing => "missing value",
            Self::String => "string",
            Self::Number => "number",
            Self::Binary => "binary value",
            Self::Bool => "Boolean",
            Self::Null => "null",
            Self::Map => "map",
            Self::List => "list",
            Self::StringSet | Self::NumberSet | Self::BinarySet => "set",
        }
    }

    /// Returns the kind of the elements of a set.
    pub(crate) fn element(self) -> Option<Self> {
        match self {
            Self::StringSet => Some(Self::String),
            Self::NumberSet => Some(Self::Number),
            Self::BinarySet => Some(Self::Binary),
            _ => None,
        }
    }

    pub(crate) fn element_name(self) -> &'static str {
        self.element().unwrap_or(Self::Missing).name()
    }
}
