//! Traffic, and what watches the data.

use jiff::SignedDuration;
use serde_json::{Value, json};
use tidegate_events::{Body, parse_value};

use crate::drive::Drive;
use crate::fleet::{Kind, Model};
use crate::place::{REGION, Where};
use crate::step::{Alarm, Found, Saw};

impl Drive {
    pub(crate) fn traffic(&mut self, model: &Model, place: Where, requests: u8) -> Option<String> {
        let component = model.at(place)?.kind == Kind::Component;
        let name = model.endpoint(place);
        let account = self.stage.account(place);
        let mut request = json!({"EndpointName": name, "ContentType": "text/csv", "Body": "1"});
        if let (true, Some(request)) = (component, request.as_object_mut()) {
            request.insert("InferenceComponentName".to_owned(), json!(name));
        }
        let mut answered = 0;
        let mut without_capacity = false;
        for _ in 0..requests {
            match account.ask("sagemaker-runtime", "InvokeEndpoint", &request) {
                Ok(_) => answered += 1,
                Err(error) => without_capacity |= error.message.contains("no capacity"),
            }
        }
        if without_capacity {
            self.wake_alarm(place, &name);
        }
        Some(format!("{requests} request(s) reach {name} in {place}, {answered} answered"))
    }

    /// CloudWatch's part of a wake: the alarm runs the scaling policy, and says so.
    fn wake_alarm(&mut self, place: Where, component: &str) {
        let account = self.stage.account(place);
        let Some(policy) = account.wake_policy(component) else { return };
        let alarm = format!("tidegate-wake-{component}");
        let at = account.place().clone();
        let run =
            self.stage.cloud.with_world(|world, now| world.alarm_action(&at, &policy, &alarm, 1.0, now));
        if run.is_err() {
            return;
        }
        let metric = json!({"namespace": "AWS/SageMaker", "name": "NoCapacityInvocationFailures",
            "dimensions": {"InferenceComponentName": component}});
        self.alarm_event(place, &alarm, "ALARM", "OK", metric, false);
    }

    /// An alarm's event; the alarm is in that state from now on.
    fn alarm_event(
        &mut self,
        place: Where,
        alarm: &str,
        state: &str,
        before: &str,
        metric: Value,
        muted: bool,
    ) {
        let now = self.stage.now();
        let metrics = json!([{"id": "m", "metricStat": {"metric": metric, "period": 60, "stat": "Maximum"},
            "returnData": true}]);
        let mut detail = json!({"alarmName": alarm, "configuration": {"metrics": metrics},
            "previousState": {"value": before, "timestamp": now}, "state": {"value": state, "timestamp": now}});
        if let (true, Some(detail)) = (muted, detail.as_object_mut()) {
            detail.insert("muteDetail".to_owned(), json!({"mutedBy": "a rule"}));
        }
        let arn = format!("arn:aws:cloudwatch:{REGION}:{}:alarm:{alarm}", place.account());
        let kind = "CloudWatch Alarm State Change";
        let seen = parse_value(
            json!({"version": "0", "id": "x", "source": "aws.cloudwatch", "detail-type": kind,
            "account": place.account(), "region": REGION, "time": now, "resources": [arn], "detail": detail}),
        );
        if let Ok(Body::AlarmChanged(changed)) = seen.map(|event| event.body) {
            self.stage.account(place).raise_alarm(&changed);
        }
        self.aws_tells(place, "aws.cloudwatch", kind, &arn, &detail);
    }

    pub(crate) fn alarm(&mut self, model: &Model, place: Where, state: Alarm) -> Option<String> {
        model.at(place)?;
        let word = match state {
            Alarm::On | Alarm::Muted => "ALARM",
            Alarm::Off => "OK",
            Alarm::Unknown => "INSUFFICIENT_DATA",
        };
        let now = (word, state == Alarm::Muted);
        let (before, _) = self.stage.alarms.insert((place, model.name.clone()), now).unwrap_or(("OK", false));
        let name = model.endpoint(place);
        let metric =
            json!({"namespace": "acme/quality", "name": "drift", "dimensions": {"EndpointName": name}});
        self.alarm_event(place, &model.alarm(), word, before, metric, state == Alarm::Muted);
        let muted = if state == Alarm::Muted { ", muted" } else { "" };
        Some(format!("alarm {} in {place} goes from {before} to {word}{muted}", model.alarm()))
    }

    pub(crate) fn report(&mut self, model: &Model, place: Where, found: Found) -> Option<String> {
        model.at(place)?;
        let (text, words) = match found {
            Found::Violations => (
                json!({"violations": [{"feature_name": "age", "constraint_check_type": "baseline_drift_check"}]})
                    .to_string(),
                "violations",
            ),
            Found::Nothing => (json!({"violations": []}).to_string(), "no violations"),
            Found::Damaged => ("{\"violations\": [".to_owned(), "something that is damaged"),
        };
        let hour = self.stage.now().strftime("%Y/%m/%d/%H").to_string();
        let (bucket, name) = (format!("acme-reports-{place}"), model.endpoint(place));
        let key = format!("reports/{name}/{name}-dq/{hour}/constraint_violations.json");
        self.stage.account(place).put_report(&bucket, &key, &text);
        self.stage.reports.insert((place, key.clone()), found);
        let sequencer = format!("{:016}", self.stage.office.number());
        let detail = json!({"version": "0", "bucket": {"name": bucket},
            "object": {"key": key, "size": text.len(), "etag": "e", "sequencer": sequencer}});
        self.aws_tells(place, "aws.s3", "Object Created", &format!("arn:aws:s3:::{bucket}"), &detail);
        Some(format!("Model Monitor reports {words} of {name} in {place}"))
    }

    pub(crate) fn observed(&mut self, model: &Model, place: Where, saw: Saw) -> Option<String> {
        model.at(place)?;
        let verdict = match saw {
            Saw::Drift => "drift",
            Saw::NoDrift => "no_drift",
            Saw::Insufficient => "insufficient",
            Saw::SourceFailed => "source_failed",
        };
        let at = self.stage.now().checked_sub(SignedDuration::from_secs(5)).unwrap_or(self.stage.now());
        let detail = json!({"schema": 1, "model": model.name, "environment": place.name(),
            "endpoint": model.endpoint(place), "verdict": verdict, "metric": "psi_age", "observed": 0.4,
            "threshold": 0.1, "source": "nightly", "observed_at": at});
        self.publish(place, "Drift Observed", &detail);
        Some(format!("a drift job says {verdict} of {} in {place}", model.name))
    }
}
