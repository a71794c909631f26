//! The envelope that Amazon EventBridge puts around every event.

use jiff::Timestamp;

use crate::json::{Json, Members};
use crate::{EventError, fields::Fields};

/// What EventBridge knows about an event.
///
/// See <https://docs.aws.amazon.com/eventbridge/latest/ref/overiew-event-structure.html>. For an event that was forwarded
/// from another account, `id`, `source`, `account` and `region` stay those of its origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// Opaque: it looks like a UUID and often is none. One change may arrive under several ids, see
    /// [`crate::Event::meaning`]. Empty for a schedule of ours that has none.
    pub id: String,
    /// The service or application that says it, such as `aws.sagemaker` or [`crate::SOURCE`].
    pub source: String,
    /// What kind of thing it says.
    pub detail_type: String,
    /// The account where it happened, twelve digits. Empty for a schedule of ours.
    pub account: String,
    /// The region where it happened. Empty for a schedule of ours.
    pub region: String,
    /// When it happened; a replay from an archive keeps the original time.
    pub time: Option<Timestamp>,
    /// The ARNs that it is about, in AWS's casing; may be empty.
    pub resources: Vec<String>,
    /// The replay that sent it again, when it comes from an archive
    /// (<https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-replay-archived-event.html>).
    pub replay_name: Option<String>,
}

/// Reads the envelope of an event.
pub(crate) fn read(map: &Members<'_>) -> Result<Envelope, EventError> {
    let fields = Fields::root(map);
    // These two first: who sends something else altogether should hear about the envelope, not about an id.
    let detail_type = fields.text("detail-type")?;
    let source = source(&fields)?;
    Ok(Envelope {
        id: fields.text("id")?,
        source,
        detail_type,
        account: fields.text("account")?,
        region: fields.text("region")?,
        time: fields.time_opt("time")?,
        resources: fields.texts_opt("resources")?.unwrap_or_default(),
        replay_name: fields.text_opt("replay-name")?,
    })
}

/// AWS's sample of a model package event has the key `source` twice, the second time as a list of one
/// (<https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html>), and the second wins.
fn source(fields: &Fields<'_>) -> Result<String, EventError> {
    match fields.get("source") {
        Some(Json::List(list)) => match list.as_slice() {
            [Json::Text(one)] if !one.is_empty() => Ok(one.as_ref().to_owned()),
            _ => fields.text("source"),
        },
        _ => fields.text("source"),
    }
}
