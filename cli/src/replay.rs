//! `tidegate replay`: runs a stream of events through the functions, under one policy or two. It reads only files.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use serde_json::{Value, json};
use tidegate_events::{clean, clean_json};
use tidegate_policy::decision::Verdict;
use tidegate_policy::file::Policy;
use tidegate_replay::input::streams;
use tidegate_replay::replay::{Counted, Options, ReplayError, Shown, Summary, replay};

use crate::print::{self, Cell, FAINT, STRONG, paint, print_json, print_line, say, table};
use crate::{Failure, files, progress};

/// The arguments of `tidegate replay`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Policy files, or folders with policy files.
    #[arg(long = "policy", value_name = "FILE", num_args = 1.., required = true)]
    policies: Vec<PathBuf>,
    /// The events: a file with one JSON object per line (events, the export of an archive, or decision records), a
    /// folder with such files, or `-` for standard input; also compressed with gzip.
    #[arg(long, value_name = "FILE")]
    events: PathBuf,
    /// Other policy files: only decisions that differ under them are printed. A model that has no policy there keeps
    /// its policy.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    against: Vec<PathBuf>,
    /// Skip and count lines that cannot be parsed.
    #[arg(long)]
    skip_bad: bool,
    /// The account of the hub, if the events do not show it.
    #[arg(long)]
    hub_account: Option<String>,
    /// A folder with monitoring reports, as `<bucket>/<key>`.
    #[arg(long, value_name = "FOLDER")]
    reports: Option<PathBuf>,
    /// The price of an instance per hour, as `ml.m5.large=0.115`; without it no costs are computed.
    #[arg(long = "price", value_name = "TYPE=PRICE", value_parser = price)]
    prices: Vec<(String, f64)>,
}

fn price(text: &str) -> Result<(String, f64), String> {
    let wrong = || "write an instance type and its price per hour, such as ml.m5.large=0.115".to_owned();
    let (kind, amount) = text.split_once('=').ok_or_else(wrong)?;
    let amount: f64 = amount.parse().map_err(|_| wrong())?;
    let sensible = kind.starts_with("ml.") && amount.is_finite() && amount >= 0.0;
    sensible.then(|| (kind.to_owned(), amount)).ok_or_else(wrong)
}

/// Replays the events and prints the decisions and a summary.
pub(crate) fn run(arguments: &Arguments, json: bool) -> Result<(), Failure> {
    let options = options(arguments, json)?;
    let read = Arc::new(AtomicU64::new(0));
    let wrong = |error: String| Failure::Input(error);
    let input = streams(&arguments.events, &read).map_err(|error| wrong(error.to_string()))?;
    let to_terminal = print::is_terminal();
    let bar = progress::bar(&arguments.events, to_terminal && options.against.is_none());
    let mut out = print::buffered();
    let show = |line: &str| {
        let line = if json { clean_json(line) } else { clean(line) };
        if to_terminal {
            bar.suspend(|| writeln!(out, "{line}").and_then(|()| out.flush()))
        } else {
            writeln!(out, "{line}")
        }
    };
    let summary = progress::follow(&bar, &read, || replay(input, &options, show));
    bar.finish_and_clear();
    let summary = match (summary, out.flush()) {
        (Err(ReplayError::Output(error)), _) | (_, Err(error)) => print::exit_on_output_error(&error),
        (Err(error @ (ReplayError::Input(_) | ReplayError::Hub { .. })), Ok(())) => {
            return Err(wrong(error.to_string()));
        }
        (Ok(summary), Ok(())) => summary,
    };
    let prices: BTreeMap<String, f64> = arguments.prices.iter().cloned().collect();
    if json {
        print_json(&json!({ "summary": summary_json(&summary, &prices) }).to_string());
    } else {
        tell(&summary, &prices);
    }
    complete_or_not(&arguments.events, &summary)
}

/// A replay that has read nothing, or not everything, must not look like one that found no difference.
fn complete_or_not(events: &Path, summary: &Summary) -> Result<(), Failure> {
    if summary.events == 0 && summary.metrics == 0 {
        let name = if events.as_os_str() == "-" { "standard input".into() } else { events.to_string_lossy() };
        return Err(Failure::Input(format!("{name}: no event was read, so nothing was compared")));
    }
    match (&summary.first_bad_line, summary.bad_lines) {
        (None, _) => Ok(()),
        (Some(first), 1) => Err(Failure::Ledger(format!("1 line was skipped: {first}"))),
        (Some(first), lines) => {
            Err(Failure::Ledger(format!("{lines} lines were skipped, the first of them: {first}")))
        }
    }
}

fn options(arguments: &Arguments, json: bool) -> Result<Options, Failure> {
    let policies = files::read(&arguments.policies)?;
    if let Some(regions) = files::several_regions(&policies) {
        let message = format!(
            "the policies are in several regions: {regions}; a hub and its environments are in one region: replay the policies of each region alone"
        );
        return Err(Failure::Input(message));
    }
    let mut options = Options::new(policies);
    if !arguments.against.is_empty() {
        let mut against = files::read(&arguments.against)?;
        complete(&mut against, &options.policies);
        options.against = Some(against);
    }
    options.shown = if json { Shown::Records } else { Shown::Lines };
    options.hub_account.clone_from(&arguments.hub_account);
    options.skip_bad = arguments.skip_bad;
    options.reports.clone_from(&arguments.reports);
    Ok(options)
}

/// The user may specify only the changed file of a fleet. The other models keep their policies.
fn complete(against: &mut Vec<Policy>, policies: &[Policy]) {
    let is_kept = |policy: &&Policy| against.iter().all(|other| other.model != policy.model);
    let kept: Vec<Policy> = policies.iter().filter(is_kept).cloned().collect();
    match kept.as_slice() {
        [] => {}
        [one] => say(&format!("--against has no policy of {}: it keeps the policy of --policy", one.model)),
        several => say(&format!(
            "--against has no policy of {} of the {} models: they keep the policies of --policy",
            several.len(),
            policies.len()
        )),
    }
    against.extend(kept);
}

/// One row of the summary: a name, its value under the policies, and its value under the other policies.
type Row = (String, String, Option<String>);

fn tell(summary: &Summary, prices: &BTreeMap<String, f64>) {
    print_line("");
    if let Some((first, last)) = summary.span {
        print_line(&paint(
            STRONG,
            &format!(
                "{} {} from {first} to {last}",
                summary.events,
                if summary.events == 1 { "event" } else { "events" }
            ),
        ));
    } else {
        print_line(&paint(STRONG, "no events"));
    }
    if !summary.hub_account.is_empty() && summary.events > 0 {
        print_line(&paint(FAINT, &format!("the hub is in account {}", summary.hub_account)));
    }
    for (reason, count) in &summary.skipped {
        print_line(&paint(FAINT, &format!("skipped: {count} {}", reason.words())));
    }
    for (what, count) in [
        (
            if summary.bad_lines == 1 { "line that cannot be parsed" } else { "lines that cannot be parsed" },
            summary.bad_lines,
        ),
        ("events that were processed after later ones", summary.late),
        ("events that concern no model of the policies", summary.unconcerned),
    ] {
        if count > 0 {
            print_line(&paint(FAINT, &format!("{count} {what}")));
        }
    }
    let rows = rows(summary, prices);
    let heading: &[&str] =
        if summary.against.is_some() { &["", "POLICY", "AGAINST"] } else { &["", "POLICY"] };
    let cells = |(name, ours, theirs): Row| {
        let all = [Some(name), Some(ours), theirs];
        all.into_iter().flatten().map(Cell::plain).collect()
    };
    table(heading, rows.into_iter().map(cells).collect());
    for counted in [Some(&summary.policy), summary.against.as_ref()].into_iter().flatten() {
        for failure in &counted.failures {
            print_line(&format!("failed: {failure}"));
        }
    }
    if summary.against.is_some() {
        print_line(&format!("{} decisions differ", summary.differences));
    }
}

fn rows(summary: &Summary, prices: &BTreeMap<String, f64>) -> Vec<Row> {
    let row = |name: &str, value: &dyn Fn(&Counted) -> String| {
        (name.to_owned(), value(&summary.policy), summary.against.as_ref().map(value))
    };
    let mut rows = vec![
        row("decisions", &|counted| counted.total().to_string()),
        row("pipeline starts", &|counted| counted.of("train", Verdict::Start).to_string()),
        row("retraining requests", &|counted| counted.of("respond", Verdict::Retrain).to_string()),
        row("deployments that succeeded", &|counted| counted.of("deploy", Verdict::Succeeded).to_string()),
        row("notifications", &|counted| counted.messages.to_string()),
        row("duplicates", &|counted| counted.duplicates.to_string()),
    ];
    if summary.policy.has_traffic {
        rows.push(row("hours at zero", &|counted| format!("{:.1}", idle_hours(counted))));
    }
    if !prices.is_empty() {
        rows.push(row("minimum instance cost", &|counted| format!("{:.2}", money(counted, prices).0)));
        rows.push(row("instance cost saved at zero", &|counted| format!("{:.2}", money(counted, prices).1)));
    }
    if summary.policy.failed > 0 || summary.against.as_ref().is_some_and(|counted| counted.failed > 0) {
        rows.push(row("failed", &|counted| counted.failed.to_string()));
    }
    rows.extend(by_reason(summary));
    rows
}

fn by_reason(summary: &Summary) -> Vec<Row> {
    let sides = [Some(&summary.policy), summary.against.as_ref()];
    let keys: std::collections::BTreeSet<_> =
        sides.into_iter().flatten().flat_map(|counted| counted.decisions.keys()).collect();
    let count = |counted: &Counted, key| counted.decisions.get(key).copied().unwrap_or_default().to_string();
    keys.into_iter()
        .map(|key| {
            let (function, decision, reason) = key;
            let theirs = summary.against.as_ref().map(|counted| count(counted, key));
            (format!("  {function} {decision} {reason}"), count(&summary.policy, key), theirs)
        })
        .collect()
}

fn idle_hours(counted: &Counted) -> f64 {
    counted.endpoints.values().map(|endpoint| endpoint.idle_hours()).sum()
}

/// The minimum cost of the instances while they ran, and the cost that was saved while they were at zero.
fn money(counted: &Counted, prices: &BTreeMap<String, f64>) -> (f64, f64) {
    let mut sum = (0.0, 0.0);
    for endpoint in counted.endpoints.values() {
        let price = endpoint.instances.as_ref().and_then(|(kind, _)| prices.get(kind));
        let (ran, slept) = endpoint.instance_hours();
        if let Some(price) = price {
            sum = (sum.0 + ran * price, sum.1 + slept * price);
        }
    }
    sum
}

fn summary_json(summary: &Summary, prices: &BTreeMap<String, f64>) -> Value {
    let side = |counted: &Counted| {
        let decisions: Vec<Value> = counted
            .decisions
            .iter()
            .map(|((function, decision, reason), count)| {
                json!({ "function": function, "verdict": decision, "reason": reason, "count": count })
            })
            .collect();
        let (instances, saved) = money(counted, prices);
        json!({
            "total": counted.total(), "decisions": decisions, "duplicates": counted.duplicates,
            "messages": counted.messages, "failed": counted.failed, "failures": counted.failures,
            "hours_at_zero": counted.has_traffic.then(|| idle_hours(counted)),
            "instances_at_least": (!prices.is_empty()).then_some(instances),
            "saved_at_zero": (!prices.is_empty()).then_some(saved),
        })
    };
    let skipped: BTreeMap<&str, u64> =
        summary.skipped.iter().map(|(reason, count)| (reason.words(), *count)).collect();
    json!({
        "events": summary.events, "hub_account": summary.hub_account, "metrics": summary.metrics, "left_out": skipped,
        "bad_lines": summary.bad_lines, "first_bad_line": summary.first_bad_line, "late": summary.late, "unconcerned": summary.unconcerned,
        "from": summary.span.map(|(first, _)| first), "to": summary.span.map(|(_, last)| last),
        "policy": side(&summary.policy), "against": summary.against.as_ref().map(side),
        "differences": summary.differences,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_is_a_type_and_an_amount() {
        assert_eq!(price("ml.m5.large=0.115").unwrap(), ("ml.m5.large".to_owned(), 0.115));
        for bad in ["ml.m5.large", "ml.m5.large=x", "m5.large=1", "ml.m5.large=-1", "ml.m5.large=inf"] {
            assert!(price(bad).unwrap_err().contains("ml.m5.large=0.115"), "{bad}");
        }
    }
}
