//! The gate `metrics`: the registered metrics of the version are good enough, or better than those of the live version.

use super::{GateInput, GateState};
use crate::evaluation::{Evaluation, Found, MetricValue};
use crate::file::{Better, BetterThanLive, IfNothingLive, MetricGate, NotWorseThanLive};
use crate::reason::Reason;

pub(super) fn state(input: &GateInput<'_>) -> GateState {
    let metrics = &input.environment.gates.metrics;
    match metrics.iter().find_map(|metric| unmet(input, metric)) {
        Some(reason) => GateState::Closed { reason },
        None => GateState::Open,
    }
}

/// Why a metric is not good enough.
fn unmet(input: &GateInput<'_>, metric: &MetricGate) -> Option<Reason> {
    let Some(facts) = &input.facts.version else {
        let what = format!("the metrics of version {}", input.promotion.version);
        return Some(Reason::GateNotRead { gate: "metrics", what });
    };
    let (found, file) = match facts.evaluation() {
        Ok(found) => found,
        Err(cause) => {
            return Some(Reason::MetricsUnreadable { version: input.promotion.version, cause });
        }
    };
    let value = match number(&found, file, &metric.name) {
        Ok(value) => value,
        Err(reason) => return Some(reason),
    };
    let version = input.promotion.version;
    let not_met =
        |required: String| Reason::MetricNotMet { metric: metric.name.clone(), version, value, required };
    if let Some(least) = metric.at_least.filter(|least| value < *least) {
        return Some(not_met(format!("at least {least}")));
    }
    if let Some(most) = metric.at_most.filter(|most| value > *most) {
        return Some(not_met(format!("at most {most}")));
    }
    if metric.better_than_live.is_none() && metric.not_worse_than_live.is_none() {
        return None;
    }
    match live(input, metric) {
        Live::Value(live, version) => compared(metric, value, live).map(|required| {
            not_met(format!("{required} than the {live} of version {version}, which is live"))
        }),
        Live::Nothing if metric.if_nothing_live == IfNothingLive::Pass => None,
        Live::Nothing => Some(Reason::NothingLive {
            environment: input.environment.name.to_string(),
            metric: metric.name.clone(),
        }),
        Live::Unknown(reason) => Some(reason),
    }
}

/// The metric of the live version.
enum Live {
    Value(f64, u64),
    Nothing,
    Unknown(Reason),
}

fn live(input: &GateInput<'_>, metric: &MetricGate) -> Live {
    let Some(live) = input.state.live(input.environment.name.as_str()) else { return Live::Nothing };
    let facts = input.facts.live.as_ref().filter(|facts| facts.arn == live.package_arn);
    let Some(facts) = facts else {
        let what = format!("the metrics of version {}, which is live", live.version);
        return Live::Unknown(Reason::GateNotRead { gate: "metrics", what });
    };
    match facts.evaluation() {
        Err(cause) => Live::Unknown(Reason::MetricsUnreadable { version: live.version, cause }),
        Ok((found, file)) => match number(&found, file, &metric.name) {
            Ok(value) => Live::Value(value, live.version),
            Err(reason) => Live::Unknown(reason),
        },
    }
}

/// The finite number of a metric.
fn number(found: &Evaluation, file: &str, name: &str) -> Result<f64, Reason> {
    let missing =
        |hint: String| Err(Reason::MetricMissing { metric: name.to_owned(), file: file.to_owned(), hint });
    match found.find(name) {
        Found::One(_, MetricValue::Number(number)) => Ok(*number),
        Found::One(_, MetricValue::NotANumber(text)) => Err(Reason::MetricNotANumber {
            metric: name.to_owned(),
            file: file.to_owned(),
            value: text.chars().take(80).collect(),
        }),
        Found::Several(paths) => missing(format!(": several have this name, {}", paths.join(", "))),
        Found::None(Some(similar)) => missing(format!("; did you mean {similar}?")),
        Found::None(None) => {
            let some: Vec<&str> = found.all().map(|(path, _)| path).take(10).collect();
            missing(format!("; it has {}", some.join(", ")))
        }
    }
}

/// What is required, if the value is not good enough beside that of the live version.
fn compared(metric: &MetricGate, value: f64, live: f64) -> Option<String> {
    let gain = |better: Better| match better {
        Better::Higher => value - live,
        Better::Lower => live - value,
    };
    let word = |better: Better| match better {
        Better::Higher => "higher",
        Better::Lower => "lower",
    };
    if let Some(BetterThanLive { by, better }) = &metric.better_than_live {
        // A difference that is no number is not a gain.
        let is_better = gain(*better) > 0.0 && gain(*better) >= *by;
        if !is_better {
            let by = if *by > 0.0 { format!("at least {by} ") } else { String::new() };
            return Some(format!("{by}{}", word(*better)));
        }
    }
    if let Some(NotWorseThanLive { tolerance, better }) = &metric.not_worse_than_live {
        let is_not_worse = gain(*better) >= -*tolerance;
        if !is_not_worse {
            let opposite = word(match better {
                Better::Higher => Better::Lower,
                Better::Lower => Better::Higher,
            });
            let by = if *tolerance > 0.0 { format!("more than {tolerance} ") } else { String::new() };
            return Some(format!("not {by}{opposite}"));
        }
    }
    None
}
