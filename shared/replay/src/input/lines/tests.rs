//! Reading of lines.

use super::*;
use crate::input::Item;
use serde_json::json;

fn read(text: &str) -> (Vec<String>, Vec<BadLine>) {
    let bytes = std::io::Cursor::new(text.as_bytes().to_vec());
    let mut lines = Lines::new(Source { name: "f".to_owned(), text: Box::new(bytes) });
    let (mut found, mut bad) = (Vec::new(), Vec::new());
    loop {
        match lines.read(&mut found) {
            Ok(true) => {}
            Ok(false) => break,
            Err(InputError::Line(line)) => bad.push(line),
            Err(error) => panic!("{error}"),
        }
    }
    let id = |item: Item| match item {
        Item::Event(arrived) => arrived.event.envelope.id,
        other => format!("{other:?}"),
    };
    (found.into_iter().map(id).collect(), bad)
}

fn event(id: &str) -> String {
    format!(
        r#"{{"id": "{id}", "source": "aws.s3", "detail-type": "Object Created", "account": "444455556666", "region": "us-east-1", "detail": {{"bucket": {{"name": "b {{"}}, "object": {{"key": "r/e/s/2026/03/03/07/constraint_violations.json"}}}}}}"#
    )
}

#[test]
fn events_are_read_however_they_are_laid_out() {
    let (a, b) = (event("a"), event("b"));
    let pretty = |text: &str| {
        let value: Value = serde_json::from_str(text).unwrap();
        serde_json::to_string_pretty(&value).unwrap()
    };
    for text in [
        format!("{a}\n{b}\n"),
        format!("\u{feff}{a}\r\n\n{b}"),
        format!("{a}{b}"),
        format!("{a} {b}\n"),
        format!("[{a},{b}]"),
        format!("[\n{a},\n{b}\n]\n"),
        format!("{}\n{}", pretty(&a), pretty(&b)),
        pretty(&format!("[{a}, {b}]")),
        format!("[{}{}]", pretty(&a), pretty(&b)),
    ] {
        assert_eq!(read(&text), (vec!["a".to_owned(), "b".to_owned()], vec![]), "{text}");
    }
}

#[test]
fn a_bad_line_is_named_and_the_rest_is_read() {
    let (a, b) = (event("a"), event("b"));
    for (bad, said) in [
        ("{\"id\": 1", "ends before"),
        ("nonsense", "column 2"),
        ("{\"id\": \"x\"}", "detail-type"),
        ("12", "a number"),
        ("{]", "column 2"),
    ] {
        let (found, wrong) = read(&format!("{a}\n{bad}\n{b}\n"));
        assert_eq!(found, ["a", "b"], "{bad}");
        assert_eq!((wrong[0].line, wrong.len()), (2, 1), "{bad}");
        assert!(wrong[0].message.contains(said), "{}", wrong[0]);
    }
    let (found, wrong) = read(&format!("{a}\n{{\"id\":"));
    assert_eq!((found.len(), wrong.len()), (1, 1));
}

#[test]
fn what_stands_beside_a_bad_value_is_read() {
    let (a, b) = (event("a"), event("b"));
    for (text, said) in [
        (format!("{a}{{\"id\": \"x\"}}{b}\n"), "detail-type"),
        (format!("[{a}, {{\"id\": \"x\"}}, 7, {b}]"), "detail-type"),
        (format!("{a}{{\"id\": nonsense}}{b}\n"), "not JSON (column"),
        (format!("{a}\n{{\"resources\": [\"arn\n{b}\n"), "the event is cut off"),
        (format!("{a}\n{{\"resources\": [\"arn\"\n{b}\n"), "ends before"),
    ] {
        let (found, wrong) = read(&text);
        assert_eq!(found, ["a", "b"], "{text}");
        assert!(wrong[0].message.contains(said), "{text}: {}", wrong[0]);
    }
}

#[test]
fn a_line_is_counted_where_the_value_begins() {
    let pretty = serde_json::to_string_pretty(&json!({"id": "x", "more": [1]})).unwrap();
    let (_, wrong) = read(&format!("{}\n{pretty}{pretty}\n{pretty}", event("a")));
    assert_eq!(wrong.iter().map(|bad| bad.line).collect::<Vec<_>>(), [2, 7, 13]);
    let (_, wrong) = read("{\"a\":\n  1,\n  \"b\" 2}\n");
    assert_eq!(wrong[0].to_string(), "f:3: not JSON (column 7: expected `:`)");
}

#[test]
fn a_value_without_end_is_said_to_be_too_long() {
    let (found, wrong) = read(&format!("{{\"a\": \"{}", "x".repeat(2 * MAX_BYTES)));
    assert!(found.is_empty());
    assert!(wrong[0].message.contains("no event is as long as this"), "{}", wrong[0]);
}

#[test]
fn one_line_may_be_longer_than_what_is_read_at_once() {
    let one = event("a");
    let many = CHUNK / one.len() * 2;
    let list = format!("[{}]", vec![one.as_str(); many].join(","));
    for text in [one.repeat(many), list] {
        let (found, wrong) = read(&text);
        assert_eq!((found.len(), wrong), (many, vec![]));
    }
}

/// Events that were kept in a log group, in each form in which CloudWatch Logs returns them.
#[test]
fn events_of_cloudwatch_logs_are_read_in_every_form() {
    let sample = |name: &str| {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events").join(name);
        std::fs::read_to_string(path).unwrap()
    };
    let id = |name: &str| {
        let value: Value = serde_json::from_str(&sample(name)).unwrap();
        value["id"].as_str().unwrap().to_owned()
    };
    let ids =
        [id("codecommit/reference-updated.branch-push.json"), id("sagemaker/model-package.approved.json")];
    for form in ["export.log", "filter-log-events.json", "insights.csv", "insights.json", "subscription.json"]
    {
        let text = sample(&format!("cloudwatch-logs/{form}"));
        for text in
            [text.clone(), text.replace('\n', "\r\n"), format!("\u{feff}{text}"), text.trim_end().to_owned()]
        {
            assert_eq!(read(&text), (ids.to_vec(), vec![]), "{form}");
        }
    }
}

#[test]
fn a_damaged_line_of_cloudwatch_logs_is_named_with_the_fix_and_the_rest_is_read() {
    let quoted = |id: &str| format!("\"{}\"", event(id).replace('"', "\"\""));
    let time = "2026-05-04T08:00:10.000Z";
    let (a, b) = (event("a"), event("b"));
    let cut = &a[..a.len() - 20];
    for (text, line, said) in [
        (format!("{time} {a}\n{time} START RequestId: 1\n{time} {b}\n"), 2, "export only the log group"),
        (format!("{time} {a}\n{time} {cut}\n{time} {b}\n"), 2, "the event is cut off"),
        (format!("{time} {a}\n{time} {{\"id\": 1}}\n{time} {b}\n"), 2, "detail-type"),
        (
            format!("@timestamp,@message\n{time},{}\n{time},REPORT\n{time},{}\n", quoted("a"), quoted("b")),
            3,
            "export only the log group",
        ),
        (
            format!(
                "@timestamp,@message\n{time},{}\n{time},\"{{\"\"id\n{time},{}\n",
                quoted("a"),
                quoted("b")
            ),
            3,
            "export the result of the query again",
        ),
        (
            format!("@timestamp,@message\n{time},{}\n{time}\n{time},{}\n", quoted("a"), quoted("b")),
            3,
            "1 field(s)",
        ),
        (
            format!("@timestamp,@message\n{time},{}\n{time},{}\n{time},\"{{", quoted("a"), quoted("b")),
            4,
            "not closed",
        ),
    ] {
        let (found, wrong) = read(&text);
        assert_eq!(found, ["a", "b"], "{text}");
        assert_eq!((wrong[0].line, wrong.len()), (line, 1), "{text}: {wrong:?}");
        assert!(wrong[0].message.contains(said), "{text}: {}", wrong[0]);
    }
    let (_, wrong) = read("@timestamp,@logStream\n2026-05-04,x\n");
    assert!(wrong[0].message.contains("fields @timestamp, @message"), "{}", wrong[0]);
    let damaged = json!({"events": [{"message": a}, {"message": "START RequestId: 1"}]}).to_string();
    let (_, wrong) = read(&damaged);
    assert!(wrong[0].message.contains("`events[1].message` is `START RequestId: 1`"), "{}", wrong[0]);
}

/// A list that is cut off is no whole archive.
#[test]
fn a_list_that_is_cut_off_is_named() {
    let one = event("a");
    for (text, wanted) in [
        (format!("[{one},"), Some(("a", "cut off"))),
        (format!("[{one}"), Some(("a", "cut off"))),
        (format!("[\n{one},\n{one}\n"), Some(("aa", "cut off"))),
        ("[".repeat(1_000_000), Some(("", "cut off"))),
        ("]".to_owned(), Some(("", "does not begin"))),
        (format!("{one}]"), Some(("a", "does not begin"))),
        (format!("[{one}]]]]"), Some(("a", "does not begin"))),
        (format!("[{one}]"), None),
        (format!("[\n  {one},\n  {one}\n]\n"), None),
        (format!("[[{one}],[{one}]]"), None),
        (format!("[]\n[]\n{one}"), None),
    ] {
        let (found, bad) = read(&text);
        match wanted {
            None => assert!(bad.is_empty(), "{text:.80}: {bad:?}"),
            Some((ids, message)) => {
                assert_eq!(found.concat(), ids, "{text:.80}");
                assert_eq!(bad.len(), 1, "{text:.80}: {bad:?}");
                assert!(bad[0].message.contains(message), "{bad:?}");
            }
        }
    }
}
