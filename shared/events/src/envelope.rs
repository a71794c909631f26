//! The envelope of an EventBridge event.

use jiff::Timestamp;

use crate::contract::Kind;
use crate::form::mismatch;
use crate::json::{Json, Members};
use crate::{EventError, fields::Fields};

/// The envelope of an EventBridge event.
///
/// See <https://docs.aws.amazon.com/eventbridge/latest/ref/overiew-event-structure.html>. An event that was forwarded
/// from another account keeps the `id`, `source`, `account` and `region` of its origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// The id of the event. It is opaque: it often looks like a UUID and is none. AWS may report one change under
    /// several ids, see [`crate::Event::idempotency_key`]. It is empty for a Tidegate schedule without an id.
    pub id: String,
    /// The service or application that sent the event, such as `aws.sagemaker` or [`crate::SOURCE`].
    pub source: String,
    /// The detail-type, which identifies the kind of event.
    pub detail_type: String,
    /// The account of the event, twelve digits. It is empty for a Tidegate schedule.
    pub account: String,
    /// The region of the event. It is empty for a Tidegate schedule.
    pub region: String,
    /// The time of the event. A replay from an archive keeps the original time.
    pub time: Option<Timestamp>,
    /// The ARNs of the resources that the event concerns, with AWS's case. The list may be empty.
    pub resources: Vec<String>,
    /// The name of the replay, if the event was replayed from an archive
    /// (<https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-replay-archived-event.html>).
    pub replay_name: Option<String>,
}

impl Envelope {
    /// Checks the forms of what decisions use. Events that no function reads may have an envelope of any form.
    pub(crate) fn check(&self) -> Result<(), EventError> {
        for (name, text, kind) in
            [("account", &self.account, Kind::Account), ("region", &self.region, Kind::Region)]
        {
            if let Some(expected) = mismatch(kind, text) {
                return Err(EventError::bad_value(name.to_owned(), text, expected));
            }
        }
        Ok(())
    }
}

/// Parses the envelope of an event.
pub(crate) fn read(map: &Members<'_>) -> Result<Envelope, EventError> {
    let fields = Fields::root(map);
    // These two fields are checked first, so that a payload that is not an event leads to an error about the envelope
    // and not about its id.
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

/// AWS's sample of a model package event contains the key `source` twice, the second time as a list with one entry
/// (<https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html>). The second one wins.
fn source(fields: &Fields<'_>) -> Result<String, EventError> {
    match fields.get("source") {
        Some(Json::List(list)) => match list.as_slice() {
            [Json::Text(one)] if !one.is_empty() => Ok(one.as_ref().to_owned()),
            _ => fields.text("source"),
        },
        _ => fields.text("source"),
    }
}
