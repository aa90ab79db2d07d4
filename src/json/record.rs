//! Records and variants of the WIT package as the JSON reader sees them, and the macros that describe them.
//!
//! A record is described where its operation is, one line for each field:
//!
//! ```text
//! record! {
//!     /// Source: data of POST /backup.
//!     BackupJob {
//!         "vmid" => vmid: Int,
//!         "job_id" => job_id: Text,
//!         "phase" => phase: Variant,
//!     }
//! }
//! ```
//!
//! On the left is the key in JSON, in the middle the field in Rust, and on the right the kind of [`Field`], which says
//! what JSON is accepted. A variant is described by the texts of its cases; every other text becomes its case `Other`:
//!
//! ```text
//! variant! {
//!     DiskRole {
//!         "system" => System,
//!         "backup" => Backup,
//!     }
//! }
//! ```

use alloc::string::String;
use alloc::vec::Vec;

/// A record that is an object in JSON. Its `Default` is what an object without any key is read as.
pub(crate) trait Record {
    /// The keys in the order in which agents write them, each as it stands in a text: in quotes, with a colon.
    fn keys(&self) -> &'static [&'static str];

    /// The field that the value of the key with this index is written to; none if there is no such key, or if its value
    /// is not read.
    fn field(&mut self, index: usize) -> Option<Field<'_>>;
}

/// A variant that is a string in JSON. Its `Default` is what the empty string is read as.
pub(crate) trait Variant {
    /// The case with this text.
    fn from_text(text: &str) -> Self
    where
        Self: Sized;

    /// Changes it to the case with this text.
    fn set(&mut self, text: &str);
}

/// A field of a record, borrowed to be written to. The kind says what JSON it takes.
///
/// `null` is accepted everywhere. It stands for the field's zero value, which is there already: the empty text, 0,
/// false, the empty list, or none.
pub(crate) enum Field<'a> {
    /// A string.
    Text(&'a mut String),
    /// An array of strings.
    Texts(&'a mut Vec<String>),
    /// A string that is a case of a variant.
    Variant(&'a mut dyn Variant),
    /// A boolean.
    Flag(&'a mut bool),
    /// An integer of 64 bits, without a fraction or an exponent.
    Int(&'a mut i64),
    /// An integer that may be none.
    IntOrNone(&'a mut Option<i64>),
    /// An array of integers.
    Ints(&'a mut Vec<i64>),
    /// Any number.
    Real(&'a mut f64),
    /// Any number, that may be none.
    RealOrNone(&'a mut Option<f64>),
    /// An object.
    Record(&'a mut dyn Record),
    /// An object that may be none.
    RecordOrNone(&'a mut dyn OptionalRecord),
    /// An array of objects.
    Records(&'a mut dyn RecordList),
    /// Nothing is accepted: the key has been there before, in an object where it may be there once.
    Duplicate,
}

impl Field<'_> {
    /// What this kind takes, for the message of an error.
    pub(super) fn expected(&self) -> &'static str {
        match self {
            Self::Text(_) | Self::Variant(_) => "a string",
            Self::Flag(_) => "a boolean",
            Self::Int(_) | Self::IntOrNone(_) => "a 64-bit integer",
            Self::Real(_) | Self::RealOrNone(_) => "a number",
            Self::Record(_) | Self::RecordOrNone(_) => "an object",
            Self::Texts(_) | Self::Ints(_) | Self::Records(_) => "an array",
            Self::Duplicate => "the key once",
        }
    }
}

/// An `Option` of some record.
pub(crate) trait OptionalRecord {
    /// Makes it none.
    fn clear(&mut self);

    /// The record, which is a default one if it was none.
    fn get_or_insert_default(&mut self) -> &mut dyn Record;
}

/// A `Vec` of some record.
pub(crate) trait RecordList {
    /// Makes it empty.
    fn clear(&mut self);

    /// Appends a default record, and gives it; none if the list is as long as it may be.
    fn push_default(&mut self) -> Option<&mut dyn Record>;
}

/// The longest list of records that is read. Without a limit a body of 1 MiB that holds `{},{},..` would become some
/// 350 000 records, which need a hundred times its size in memory.
pub(super) const MAX_LIST_LENGTH: usize = 65_536;

impl<T: Record + Default> OptionalRecord for Option<T> {
    fn clear(&mut self) {
        *self = None;
    }

    fn get_or_insert_default(&mut self) -> &mut dyn Record {
        self.get_or_insert_with(T::default)
    }
}

impl<T: Record + Default> RecordList for Vec<T> {
    fn clear(&mut self) {
        Vec::clear(self);
    }

    fn push_default(&mut self) -> Option<&mut dyn Record> {
        if self.len() == MAX_LIST_LENGTH {
            return None;
        }
        self.push(T::default());
        self.last_mut().map(|last| last as &mut dyn Record)
    }
}

/// Implements [`Record`] and `Default` for a record; the head of this file shows how it is written.
///
/// The compiler refuses a description with a field that is missing, listed twice, or of another kind than its type.
macro_rules! record {
    ($(#[$doc:meta])* $record:ident { $($key:literal => $field:ident: $kind:ident,)+ }) => {
        $(#[$doc])*
        impl $crate::json::Record for $record {
            fn keys(&self) -> &'static [&'static str] {
                &[$(concat!("\"", $key, "\":")),+]
            }

            fn field(&mut self, index: usize) -> Option<$crate::json::Field<'_>> {
                /// The fields in the order of their keys, to have an index of each.
                #[allow(non_camel_case_types, reason = "named as the fields are")]
                enum Index {
                    $($field,)+
                }
                Some(match index {
                    $(index if index == Index::$field as usize => $crate::json::Field::$kind(&mut self.$field),)+
                    _ => return None,
                })
            }
        }

        impl Default for $record {
            fn default() -> Self {
                Self { $($field: Default::default(),)+ }
            }
        }
    };
}
pub(crate) use record;

/// Implements [`Variant`] and `Default` for a variant; the head of this file shows how it is written.
macro_rules! variant {
    ($(#[$doc:meta])* $variant:ident { $($text:literal => $case:ident,)+ }) => {
        $(#[$doc])*
        impl $crate::json::Variant for $variant {
            fn from_text(text: &str) -> Self {
                match text {
                    $($text => Self::$case,)+
                    _ => Self::Other(text.into()),
                }
            }

            fn set(&mut self, text: &str) {
                *self = Self::from_text(text);
            }
        }

        impl Default for $variant {
            fn default() -> Self {
                $crate::json::Variant::from_text("")
            }
        }
    };
}
pub(crate) use variant;
