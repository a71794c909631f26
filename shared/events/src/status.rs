//! A macro for status enums: API casing outside, any casing inside, and never a guess.

/// Defines an enum of AWS status values.
///
/// SageMaker's events spell endpoint statuses `IN_SERVICE` where its API says `InService`
/// (<https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html>), so values are compared
/// without underscores and without case. What is not in the list is kept as it came.
macro_rules! statuses {
    (
        $(#[$meta:meta])*
        $name:ident {
            $( $(#[$vmeta:meta])* $variant:ident = $text:literal, )+
            $( ; $(#[$ameta:meta])* $absent:ident )?
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum $name {
            $( $(#[$vmeta])* $variant, )+
            /// A value that this build does not know, as it was sent; empty when the event had none.
            Unknown(String),
            $( $(#[$ameta])* $absent, )?
        }

        impl $name {
            /// Reads a value in API casing (`InService`) or event casing (`IN_SERVICE`).
            #[must_use]
            pub fn read(text: &str) -> Self {
                $( if $crate::status::same(text, $text) { return Self::$variant; } )+
                Self::Unknown(text.to_owned())
            }

            /// The value in the casing of the AWS API; `absent` when the event had none.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $( Self::$variant => $text, )+
                    Self::Unknown(text) if text.is_empty() => "absent",
                    Self::Unknown(text) => text,
                    $( Self::$absent => "absent", )?
                }
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

pub(crate) use statuses;

/// Whether two spellings of a status are the same but for underscores and case.
pub(crate) fn same(left: &str, right: &str) -> bool {
    let plain = |byte: u8| (byte != b'_').then(|| byte.to_ascii_lowercase());
    left.bytes().filter_map(plain).eq(right.bytes().filter_map(plain))
}
