//! `Object Created` from Amazon S3.

use crate::{EventError, fields::Fields};

/// An object was written to a bucket that sends its events to EventBridge.
///
/// See <https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html>.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectCreated {
    /// The bucket.
    pub bucket: String,
    /// The key as it is: EventBridge events do not URL-encode it, unlike S3's older notifications.
    pub key: String,
    /// The version, in a bucket with versions.
    pub version_id: Option<String>,
    /// The entity tag: equal for equal content.
    pub etag: Option<String>,
    /// The size in bytes.
    pub size: Option<u64>,
    /// Orders the writes to one key; differs for every write.
    pub sequencer: Option<String>,
}

/// What [`read`] reads of the detail.
pub(crate) const MEMBERS: &[&str] = &["bucket", "object"];

pub(crate) fn read(fields: &Fields<'_>) -> Result<ObjectCreated, EventError> {
    let object = fields.object("object")?;
    Ok(ObjectCreated {
        bucket: fields.object("bucket")?.text("name")?,
        key: object.text("key")?,
        version_id: object.text_opt("version-id")?,
        etag: object.text_opt("etag")?,
        size: object.whole_opt("size")?,
        sequencer: object.text_opt("sequencer")?,
    })
}
