//! Traffic, alarms, monitoring reports and drift jobs.

use jiff::SignedDuration;
use serde_json::{Value, json};
use tidegate_events::{Body, parse_value};

use crate::fleet::{Kind, Model};
use crate::history::{Alarm, DriftObservation, ReportContent};
use crate::runner::Runner;
use crate::site::{REGION, SiteId};

impl Runner {
    pub(crate) fn traffic(&mut self, model: &Model, site: SiteId, requests: u8) -> Option<String> {
        let component = model.at(site)?.kind == Kind::Component;
        let name = model.endpoint(site);
        let account = self.system.account(site);
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
            self.wake_alarm(site, &name);
        }
        Some(format!("{requests} request(s) reach {name} in {site}, {answered} answered"))
    }

    /// Scaling from zero in CloudWatch: the alarm runs the scaling policy and emits its event.
    fn wake_alarm(&mut self, site: SiteId, component: &str) {
        let account = self.system.account(site);
        let Some(policy) = account.wake_policy(component) else { return };
        let alarm = format!("tidegate-wake-{component}");
        let at = account.place().clone();
        let run =
            self.system.cloud.with_world(|world, now| world.alarm_action(&at, &policy, &alarm, 1.0, now));
        if run.is_err() {
            return;
        }
        let metric = json!({"namespace": "AWS/SageMaker", "name": "NoCapacityInvocationFailures",
            "dimensions": {"InferenceComponentName": component}});
        self.alarm_event(site, &alarm, "ALARM", "OK", metric, false);
    }

    /// Changes the state of an alarm and emits its event.
    fn alarm_event(
        &mut self,
        site: SiteId,
        alarm: &str,
        state: &str,
        before: &str,
        metric: Value,
        muted: bool,
    ) {
        let now = self.system.now();
        let metrics = json!([{"id": "m", "metricStat": {"metric": metric, "period": 60, "stat": "Maximum"},
            "returnData": true}]);
        let mut detail = json!({"alarmName": alarm, "configuration": {"metrics": metrics},
            "previousState": {"value": before, "timestamp": now}, "state": {"value": state, "timestamp": now}});
        if let (true, Some(detail)) = (muted, detail.as_object_mut()) {
            detail.insert("muteDetail".to_owned(), json!({"mutedBy": "a rule"}));
        }
        let arn = format!("arn:aws:cloudwatch:{REGION}:{}:alarm:{alarm}", site.account());
        let kind = "CloudWatch Alarm State Change";
        let seen =
            parse_value(json!({"version": "0", "id": "x", "source": "aws.cloudwatch", "detail-type": kind,
            "account": site.account(), "region": REGION, "time": now, "resources": [arn], "detail": detail}));
        if let Ok(Body::AlarmChanged(changed)) = seen.map(|event| event.body) {
            self.system.account(site).raise_alarm(&changed);
        }
        self.emit_aws_event(site, "aws.cloudwatch", kind, &arn, &detail);
    }

    pub(crate) fn alarm(&mut self, model: &Model, site: SiteId, state: Alarm) -> Option<String> {
        model.at(site)?;
        let word = match state {
            Alarm::On | Alarm::Muted => "ALARM",
            Alarm::Off => "OK",
            Alarm::Unknown => "INSUFFICIENT_DATA",
        };
        let now = (word, state == Alarm::Muted);
        let (before, _) = self.system.alarms.insert((site, model.name.clone()), now).unwrap_or(("OK", false));
        let name = model.endpoint(site);
        let metric =
            json!({"namespace": "acme/quality", "name": "drift", "dimensions": {"EndpointName": name}});
        self.alarm_event(site, &model.alarm(), word, before, metric, state == Alarm::Muted);
        let muted = if state == Alarm::Muted { ", muted" } else { "" };
        Some(format!("alarm {} in {site} goes from {before} to {word}{muted}", model.alarm()))
    }

    pub(crate) fn report(&mut self, model: &Model, site: SiteId, content: ReportContent) -> Option<String> {
        model.at(site)?;
        let (text, words) = report_of(content);
        let hour = self.system.now().strftime("%Y/%m/%d/%H").to_string();
        let (bucket, name) = (format!("acme-reports-{site}"), model.endpoint(site));
        let folder = match content {
            ReportContent::PipelineCheck => {
                format!("{name}/{name}-train/{}/DataQualityCheck/output/violations", hour.replace('/', ""))
            }
            ReportContent::NoSuchDate => format!("reports/{name}/{name}-dq/2026/02/30/07"),
            _ => format!("reports/{name}/{name}-dq/{hour}"),
        };
        let key = format!("{folder}/constraint_violations.json");
        self.system.account(site).put_report(&bucket, &key, &text);
        self.system.reports.insert((site, key.clone()), content);
        let sequencer = format!("{:016}", self.system.event_bus.number());
        let detail = json!({"version": "0", "bucket": {"name": bucket},
            "object": {"key": key, "size": text.len(), "etag": "e", "sequencer": sequencer}});
        self.emit_aws_event(site, "aws.s3", "Object Created", &format!("arn:aws:s3:::{bucket}"), &detail);
        Some(format!("{words} of {name} in {site} are written to {key}"))
    }

    pub(crate) fn observed(
        &mut self,
        model: &Model,
        site: SiteId,
        verdict: DriftObservation,
    ) -> Option<String> {
        model.at(site)?;
        let verdict = match verdict {
            DriftObservation::Drift => "drift",
            DriftObservation::NoDrift => "no_drift",
            DriftObservation::Insufficient => "insufficient",
            DriftObservation::SourceFailed => "source_failed",
        };
        let at = self.system.now().checked_sub(SignedDuration::from_secs(5)).unwrap_or(self.system.now());
        let detail = json!({"schema": 1, "model": model.name, "environment": site.name(),
            "endpoint": model.endpoint(site), "verdict": verdict, "metric": "psi_age", "observed": 0.4,
            "threshold": 0.1, "source": "nightly", "observed_at": at});
        self.publish(site, "Drift Observed", &detail);
        Some(format!("a drift job reports {verdict} of {} in {site}", model.name))
    }
}

/// A report of Model Monitor, and what it has.
fn report_of(content: ReportContent) -> (String, &'static str) {
    let report = |checks: &[&str]| {
        let violation = |check: &&str| json!({"feature_name": "age", "constraint_check_type": check});
        json!({"violations": checks.iter().map(violation).collect::<Vec<_>>()}).to_string()
    };
    match content {
        ReportContent::Violations => (report(&["baseline_drift_check"]), "violations"),
        ReportContent::Nothing => (report(&[]), "no violations"),
        ReportContent::Damaged => ("{\"violations\": [".to_owned(), "damaged violations"),
        ReportContent::BrokenFeed => (report(&["missing_column_check"]), "violations of a broken feed"),
        ReportContent::DriftAndBrokenFeed => {
            (report(&["missing_column_check", "baseline_drift_check"]), "violations, also of a broken feed,")
        }
        ReportContent::PipelineCheck => {
            (report(&["baseline_drift_check"]), "violations of the training data")
        }
        ReportContent::NoSuchDate => (report(&["baseline_drift_check"]), "violations of no date"),
    }
}
