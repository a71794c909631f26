//! `Object Created` from Amazon S3.

use crate::{EventError, fields::Fields};

/// An object was written to a bucket that sends its events to EventBridge.
///
/// See <https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html>.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectCreated {
    /// The name of the bucket.
    pub bucket: String,
    /// The key of the object. EventBridge events do not URL-encode it, in contrast to S3 event notifications.
    pub key: String,
    /// The version id of the object, in a versioned bucket.
    pub version_id: Option<String>,
    /// The entity tag. It is equal for equal content.
    pub etag: Option<String>,
    /// The size in bytes.
    pub size: Option<u64>,
    /// A text that orders the writes to one key. It differs for every write.
    pub sequencer: Option<String>,
}

/// The members of the detail that [`read`] uses.
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
