//! A macro for enums of AWS status values. It parses any case and keeps unknown values.

/// Defines an enum of AWS status values.
///
/// SageMaker's events write endpoint statuses as `IN_SERVICE`, and its API writes `InService`
/// (<https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html>). Therefore values are
/// compared without underscores and without case. An unknown value is kept as it was received.
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
            /// A value that this build does not know, as it was received. It is empty if the event had no value.
            Unknown(String),
            $( $(#[$ameta])* $absent, )?
        }

        impl $name {
            /// Parses a value in the spelling of the API (`InService`) or of events (`IN_SERVICE`).
            #[must_use]
            pub fn read(text: &str) -> Self {
                $( if $crate::status::same(text, $text) { return Self::$variant; } )+
                Self::Unknown(text.to_owned())
            }

            /// The value in the spelling of the AWS API, or `absent` if the event had no value.
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

/// Returns whether two spellings of a status are equal without underscores and case.
pub(crate) fn same(left: &str, right: &str) -> bool {
    let plain = |byte: u8| (byte != b'_').then(|| byte.to_ascii_lowercase());
    left.bytes().filter_map(plain).eq(right.bytes().filter_map(plain))
}
