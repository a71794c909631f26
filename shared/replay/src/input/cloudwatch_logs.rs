//! Events that were kept in a log group of CloudWatch Logs, in the forms in which they are taken out again.
//!
//! * An export to S3 and `aws logs tail`: lines that begin with a time, and perhaps the name of the stream.
//!   <https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/S3Export.html>
//! * `filter-log-events`, `get-log-events` and a subscription filter: JSON with a list of messages.
//!   <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html>,
//!   <https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html>
//! * Logs Insights: CSV with a column `@message`, or JSON with a list of fields for each message.
//!   <https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_AnalyzeLogData-discoverable-fields.html>

use jiff::Timestamp;
use jiff::civil::DateTime;
use serde_json::{Map, Value};
use tidegate_events::EventError;

/// The column of Logs Insights that contains the event.
const MESSAGE: &str = "@message";

/// The longest time that begins a line, such as `2026-05-04T08:00:10.000000+00:00`.
const LONGEST_TIME: usize = 35;

/// The number of bytes before the event of a line that begins with a time; 0 for any other line.
pub(super) fn prefix_of_line(line: &[u8]) -> usize {
    if !line.first().is_some_and(u8::is_ascii_digit) {
        return 0;
    }
    let Some(event) = line.iter().position(|byte| *byte == b'{') else { return 0 };
    let prefix = line.get(..event).and_then(|prefix| std::str::from_utf8(prefix).ok()).unwrap_or_default();
    let mut words = prefix.split_ascii_whitespace();
    let is_prefix = words.next().is_some_and(is_time)
        && words.next().is_none_or(|stream| !stream.contains('"'))
        && words.next().is_none();
    if is_prefix && prefix.ends_with([' ', '\t']) { event } else { 0 }
}

/// The message for a line that begins with a time and has no event.
pub(super) const NO_EVENT: &str = "the line begins with a time and has no event after it; remove the line, or export only the log group of the events";

/// Whether a line begins with a time, as no event does.
pub(super) fn begins_with_time(line: &[u8]) -> bool {
    begins_record(line) && {
        let word = line.split(u8::is_ascii_whitespace).next().unwrap_or_default();
        std::str::from_utf8(word).is_ok_and(is_time)
    }
}

fn is_time(word: &str) -> bool {
    word.len() <= LONGEST_TIME && (word.parse::<Timestamp>().is_ok() || word.parse::<DateTime>().is_ok())
}

/// The messages of a response, each with its path; `None` if the JSON is not such a response.
pub(super) fn messages<'v>(map: &'v Map<String, Value>) -> Option<Vec<(String, &'v Value)>> {
    let list = |name: &str| map.get(name).and_then(Value::as_array);
    let of_insights = |(at, row): (usize, &'v Value)| -> Option<(String, &'v Value)> {
        let mut fields = row.as_array()?.iter();
        let field = fields.find(|field| field.get("field").and_then(Value::as_str) == Some(MESSAGE))?;
        Some((format!("results[{at}].{MESSAGE}"), field.get("value")?))
    };
    if let Some(rows) = list("results") {
        return rows.iter().enumerate().map(of_insights).collect();
    }
    if map.get("messageType").and_then(Value::as_str) == Some("CONTROL_MESSAGE") {
        return Some(Vec::new());
    }
    let name = ["events", "logEvents"].into_iter().find(|name| list(name).is_some())?;
    let of_list = |(at, entry): (usize, &'v Value)| -> Option<(String, &'v Value)> {
        Some((format!("{name}[{at}].message"), entry.get("message")?))
    };
    list(name)?.iter().enumerate().map(of_list).collect()
}

/// The event in a message.
///
/// # Errors
/// If the message is not JSON: it was cut off, or it was logged by something else.
pub(super) fn event_in(path: &str, message: &Value) -> Result<Value, EventError> {
    let text = message.as_str().unwrap_or_default();
    serde_json::from_str(text).map_err(|error| EventError::BadValue {
        field: path.to_owned(),
        value: text.chars().take(80).collect(),
        expected: format!(
            "one event as JSON ({error}); remove the message, or export only the log group of the events"
        ),
    })
}

/// A CSV of Logs Insights, by its header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Csv {
    /// The index of the column with the event.
    message: usize,
    columns: usize,
}

impl Csv {
    /// Reads the first line of a file; `None` if it is not the header of a CSV of Logs Insights.
    pub(super) fn of_header(line: &str) -> Option<Result<Self, String>> {
        if !(line.starts_with('@') || line.starts_with("\"@") || line.contains(MESSAGE)) || line.contains('{')
        {
            return None;
        }
        let names = match fields(line.trim_end()) {
            Ok(names) => names,
            Err(error) => return Some(Err(error)),
        };
        let message = names.iter().position(|name| name == MESSAGE);
        Some(message.map(|message| Self { message, columns: names.len() }).ok_or_else(|| {
            format!(
                "the CSV has no column {MESSAGE}; query `fields @timestamp, {MESSAGE}` and export it again"
            )
        }))
    }

    /// The event of a record.
    ///
    /// # Errors
    /// If the record is damaged.
    pub(super) fn event_of(self, record: &str) -> Result<String, String> {
        let mut fields = fields(record.trim_end_matches(['\r', '\n']))?;
        let (found, expected) = (fields.len(), self.columns);
        if found != expected || self.message >= found {
            return Err(format!(
                "the record has {found} field(s) and the header {expected}; export the result of the query again"
            ));
        }
        Ok(fields.swap_remove(self.message))
    }
}

/// Whether every quote of a record is closed.
pub(super) fn is_complete(record: &[u8]) -> bool {
    record.iter().filter(|byte| **byte == b'"').count() % 2 == 0
}

/// Whether a line is the beginning of a record: it begins with the time of the message.
pub(super) fn begins_record(line: &[u8]) -> bool {
    let line = line.strip_prefix(b"\"").unwrap_or(line);
    let is_date = |date: &[u8]| {
        date.iter().enumerate().all(|(at, byte)| match at {
            4 | 7 => *byte == b'-',
            _ => byte.is_ascii_digit(),
        })
    };
    line.get(..10).is_some_and(is_date)
}

/// The fields of a record (RFC 4180: a quote in a quoted field is doubled).
fn fields(record: &str) -> Result<Vec<String>, String> {
    let mut fields = Vec::new();
    let mut rest = record;
    loop {
        let (field, after) = match rest.strip_prefix('"') {
            Some(quoted) => quoted_field(quoted)?,
            None => {
                let end = rest.find(',').unwrap_or(rest.len());
                let (field, after) = rest.split_at(end);
                (field.to_owned(), after)
            }
        };
        fields.push(field);
        match after.strip_prefix(',') {
            Some(next) => rest = next,
            None if after.is_empty() => return Ok(fields),
            None => {
                return Err(
                    "text follows the closing quote of a field; export the result of the query again"
                        .to_owned(),
                );
            }
        }
    }
}

/// The content of a quoted field, and the text after it.
fn quoted_field(text: &str) -> Result<(String, &str), String> {
    let mut field = String::new();
    let mut rest = text;
    loop {
        let Some(end) = rest.find('"') else {
            return Err("a quote is not closed: the record is cut off; export the result of the query again"
                .to_owned());
        };
        let (part, after) = rest.split_at(end);
        field.push_str(part);
        match after.strip_prefix("\"\"") {
            Some(next) => {
                field.push('"');
                rest = next;
            }
            None => return Ok((field, after.strip_prefix('"').unwrap_or(after))),
        }
    }
}

/// The events in lines that begin with a time, or in a CSV of Logs Insights; `None` for any other text.
///
/// # Errors
/// The first line that is damaged, with the problem.
#[must_use]
pub fn events_of_log(text: &str) -> Option<Result<Vec<Value>, (usize, String)>> {
    let header = text.lines().next().and_then(Csv::of_header);
    if header.is_none() && prefix_of_line(text.as_bytes()) == 0 {
        return None;
    }
    Some(match header {
        Some(Err(error)) => Err((1, error)),
        Some(Ok(csv)) => records(text)
            .skip(1)
            .map(|(line, record)| {
                let event = csv.event_of(record).map_err(|error| (line, error))?;
                serde_json::from_str(&event).map_err(|error| (line, not_json(&error)))
            })
            .collect(),
        None => text
            .lines()
            .enumerate()
            .filter(|(_, line)| !line.trim().is_empty())
            .map(|(at, line)| {
                let event = line.get(prefix_of_line(line.as_bytes())..).unwrap_or_default();
                serde_json::from_str(event).map_err(|error| (at + 1, not_json(&error)))
            })
            .collect(),
    })
}

/// The message for an event that is not JSON.
pub(super) fn not_json(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let what = text.split(" at line ").next().unwrap_or(&text);
    format!("the message is not JSON ({what}); remove the line, or export only the log group of the events")
}

/// The records of a CSV that are not empty, each with its first line.
fn records(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut line = 1;
    let mut rest = text;
    let all = std::iter::from_fn(move || {
        let mut end = 0;
        for part in rest.split_inclusive('\n') {
            if end > 0 && begins_record(part.as_bytes()) {
                break;
            }
            end += part.len();
            if is_complete(rest.get(..end)?.as_bytes()) {
                break;
            }
        }
        let (record, after) = rest.split_at_checked(end).filter(|(record, _)| !record.is_empty())?;
        let first = line;
        line += record.lines().count();
        rest = after;
        Some((first, record))
    });
    all.filter(|(_, record)| !record.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_a_time_and_a_stream_before_an_event_are_a_prefix() {
        for (line, prefix) in [
            ("2026-05-04T08:00:10.000Z {\"a\": 1}", 25),
            ("2026-05-04T08:00:10.000000+00:00 tidegate/events {\"a\": 1}", 49),
            ("2026-05-04T08:00:10 {}", 20),
            ("{\"time\": \"2026-05-04T08:00:10.000Z\"}", 0),
            ("2026-05-04T08:00:10.000Z{\"a\": 1}", 0),
            ("2026-05-04 {\"a\": 1}", 11),
            ("12 {\"a\": 1}", 0),
            ("2026-05-04T08:00:10.000Z \"a\": {}", 0),
            ("2026-05-04T08:00:10.000Z a b {}", 0),
            ("2026-05-04T08:00:10.000Z START", 0),
        ] {
            assert_eq!(prefix_of_line(line.as_bytes()), prefix, "{line}");
        }
    }

    #[test]
    fn messages_are_found_in_every_response() {
        for (response, path) in [
            (
                json!({"events": [{"message": "{}", "timestamp": 1}], "searchedLogStreams": []}),
                "events[0].message",
            ),
            (
                json!({"messageType": "DATA_MESSAGE", "logEvents": [{"id": "1", "message": "{}"}]}),
                "logEvents[0].message",
            ),
            (
                json!({"results": [[{"field": "@timestamp", "value": "t"}, {"field": "@message", "value": "{}"}]], "status": "Complete"}),
                "results[0].@message",
            ),
        ] {
            let found = messages(response.as_object().unwrap()).unwrap();
            assert_eq!(found, [(path.to_owned(), &json!("{}"))], "{response}");
        }
        for other in [json!({"events": [{"id": 1}]}), json!({"events": {}}), json!({"results": [{"a": 1}]})] {
            assert_eq!(messages(other.as_object().unwrap()), None, "{other}");
        }
        let error = event_in("events[1].message", &json!("START RequestId: 1")).unwrap_err().to_string();
        assert!(error.contains("`events[1].message` is `START RequestId: 1`"), "{error}");
        assert!(error.contains("export only the log group of the events"), "{error}");
    }

    #[test]
    fn a_record_is_read_by_the_header() {
        let csv = Csv::of_header("@timestamp,@message,@logStream\r\n").unwrap().unwrap();
        assert_eq!(csv.event_of("t,\"{\"\"a\"\": \"\"x,y\"\"}\",s\r\n").unwrap(), "{\"a\": \"x,y\"}");
        for (record, said) in
            [("t,\"{\"\"a\"\": 1", "not closed"), ("t,{}", "2 field(s)"), ("t,\"{}\"x,s", "closing quote")]
        {
            let error = csv.event_of(record).unwrap_err();
            assert!(error.contains(said) && error.contains("export"), "{record}: {error}");
        }
        let error = Csv::of_header("@timestamp,@logStream\n").unwrap().unwrap_err();
        assert!(error.contains("fields @timestamp, @message"), "{error}");
        assert_eq!(Csv::of_header("{\"a\": \"@message\"}"), None);
        assert_eq!(Csv::of_header("nonsense"), None);
    }
}
