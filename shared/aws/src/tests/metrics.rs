//! CloudWatch metrics.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tidegate_engine::ports::{InvocationQuery, Metrics, Window};
use tidegate_policy::endpoint::InvokedResource;

use super::cloud::{Answer, Sent, cloud, ok_cbor};

/// 2026-03-02T09:10:02Z.
const NOW: i64 = 1_772_442_602;

fn now() -> Timestamp {
    Timestamp::from_second(NOW).unwrap()
}

fn since(name: &str, seconds: i64) -> InvocationQuery {
    let from = now().checked_sub(SignedDuration::from_secs(seconds)).unwrap();
    InvocationQuery { resource: InvokedResource::Endpoint(name.to_owned()), window: Window::Idle, from }
}

fn result(id: &str, status: &str, points: &[(i64, f64)]) -> Value {
    let times: Vec<Value> = points.iter().map(|(at, _)| json!({ "@time": *at as f64 })).collect();
    let values: Vec<f64> = points.iter().map(|(_, value)| *value).collect();
    json!({ "Id": id, "Label": "x", "StatusCode": status, "Timestamps": times, "Values": values })
}

fn page(results: Vec<Value>) -> Answer {
    ok_cbor(json!({ "MetricDataResults": results }))
}

async fn invocations(queries: &[InvocationQuery], answers: Vec<Answer>) -> (Vec<Option<u64>>, Vec<Sent>) {
    let (aws, wire) = cloud(answers);
    let told = aws.metrics().invocations(queries, now()).await.unwrap();
    (told, wire.done())
}

#[tokio::test]
async fn the_query_contains_the_metric_and_its_dimensions() {
    let component = InvocationQuery {
        window: Window::Idle,
        resource: InvokedResource::Component("sleepy".to_owned()),
        ..since("sleepy", 7_200)
    };
    let answer = page(vec![result("q0", "Complete", &[(NOW - 60, 2.0)]), result("q1", "Complete", &[])]);
    let (told, sent) = invocations(&[since("churn", 7_200), component], vec![answer]).await;
    assert_eq!(told, [Some(2), Some(0)]);
    assert!(sent[0].uri.ends_with("/operation/GetMetricData"), "{}", sent[0].uri);
    let stat = |dimensions: Value| {
        json!({ "Period": 60, "Stat": "Sum", "Metric": {
            "Namespace": "AWS/SageMaker", "MetricName": "Invocations", "Dimensions": dimensions,
        } })
    };
    let classic = json!([{ "Name": "EndpointName", "Value": "churn" }, { "Name": "VariantName", "Value": "AllTraffic" }]);
    assert_eq!(
        sent[0].cbor(),
        json!({
            "MetricDataQueries": [
                { "Id": "q0", "MetricStat": stat(classic) },
                { "Id": "q1", "MetricStat": stat(json!([{ "Name": "InferenceComponentName", "Value": "sleepy" }])) },
            ],
            // The start is rounded down to a whole minute.
            "StartTime": { "@time": (NOW - 7_202) as f64 },
            // The end is later than the end of the invocation.
            "EndTime": { "@time": (NOW + 900) as f64 },
            "ScanBy": "TimestampAscending",
            "MaxDatapoints": 100_800,
        })
    );
}

#[tokio::test]
async fn a_missing_result_is_not_zero() {
    let queries: Vec<InvocationQuery> = (0..6).map(|n| since(&format!("e{n}"), 600)).collect();
    let answer = page(vec![
        result("q0", "InternalError", &[]),
        result("q1", "Forbidden", &[]),
        result("q2", "PartialData", &[]),
        result("q3", "PartialData", &[(NOW - 60, 3.0)]),
        result("q5", "Complete", &[(NOW - 60, -1.0)]),
    ]);
    let (told, _) = invocations(&queries, vec![answer]).await;
    assert_eq!(told, [None, None, None, Some(3), None, Some(0)]);
}

#[tokio::test]
async fn the_values_of_all_pages_are_added() {
    let first = ok_cbor(json!({
        "MetricDataResults": [result("q0", "PartialData", &[(NOW - 120, 1.0)])], "NextToken": "n",
    }));
    let second = page(vec![result("q0", "Complete", &[(NOW - 60, 2.0)])]);
    let (told, sent) = invocations(&[since("churn", 600)], vec![first, second]).await;
    assert_eq!(told, [Some(3)]);
    assert_eq!(sent[1].cbor()["NextToken"], "n");
}

#[tokio::test]
async fn queries_that_share_a_call_keep_their_own_start() {
    let points = [(NOW - 1_200, 5.0), (NOW - 300, 1.0)];
    let answer = page(vec![result("q0", "Complete", &points), result("q1", "Complete", &points)]);
    let (told, sent) = invocations(&[since("young", 600), since("old", 3_600)], vec![answer]).await;
    assert_eq!(told, [Some(1), Some(6)]);
    assert_eq!(sent[0].cbor()["StartTime"]["@time"], (NOW - 3_602) as f64);
}

#[tokio::test]
async fn the_period_is_not_shorter_than_the_stored_resolution() {
    const DAY: i64 = 86_400;
    for (seconds, period) in
        [(0, 60), (21_600, 60), (21_601, 300), (5 * DAY, 300), (5 * DAY + 1, 3_600), (900 * DAY, 3_600)]
    {
        let (_, sent) = invocations(&[since("churn", seconds)], vec![page(Vec::new())]).await;
        let body = sent[0].cbor();
        assert_eq!(body["MetricDataQueries"][0]["MetricStat"]["Period"], period);
        let start = body["StartTime"]["@time"].as_f64().unwrap() as i64;
        assert_eq!(start % period, 0, "a whole period");
        assert!(start < NOW && start >= NOW - 455 * DAY - period);
    }
}

#[tokio::test]
async fn one_call_contains_up_to_five_hundred_queries() {
    let queries: Vec<InvocationQuery> = (0..501).map(|n| since(&format!("e{n}"), 600)).collect();
    let last = vec![result("q500", "Complete", &[(NOW - 60, 9.0)])];
    let (told, sent) = invocations(&queries, vec![page(Vec::new()), page(last)]).await;
    assert_eq!(sent[0].cbor()["MetricDataQueries"].as_array().unwrap().len(), 500);
    assert_eq!((told.len(), told[500]), (501, Some(9)));
    let (told, sent) = invocations(&[], Vec::new()).await;
    assert!(told.is_empty() && sent.is_empty());
}
