//! `tidegate status`: prints an overview of models and environments.

use jiff::Timestamp;
use serde_json::{Value, json};
use tidegate_engine::DecisionRecord;
use tidegate_policy::deploy::Unhealthy;
use tidegate_policy::file::{Environment, Policy};

use crate::Failure;
use crate::ledgers::Ledgers;
use crate::print::{self, BAD, Cell, FAINT, GOOD, PLAIN, STRONG, WAITING, print_json, time, verdict_style};
use crate::view::{self, HUB, LedgerData, View};
use crate::why::{self, Why};

const HEADING: [&str; 8] =
    ["MODEL", "ENVIRONMENT", "LIVE", "WANTED", "BLOCKER", "DRIFT", "IDLE", "LAST DECISION"];

/// Prints one line for each model and environment.
pub(crate) async fn run(model: Option<&str>, ledgers: &Ledgers, json: bool) -> Result<(), Failure> {
    let now = Timestamp::now();
    let places = ledgers.open().await?;
    let models = match model {
        Some(model) => [model.to_owned()].into(),
        None => view::models(&places).await?,
    };
    let mut rows = Vec::new();
    for view in View::read_all(&places, &models).await? {
        let model = &view.model;
        let Some(policy) = view.policy() else {
            return Err(Failure::Input(format!("no policy of {model} is applied in the specified ledgers")));
        };
        rows.extend(of_view(&view, policy, now));
    }
    if json {
        for row in &rows {
            print_json(&row.as_json().to_string());
        }
    } else {
        print::table(&HEADING, rows.iter().map(Row::cells).collect());
    }
    Ok(())
}

/// The status of a model in one environment or in the hub.
#[derive(Debug, Clone, PartialEq)]
struct Row {
    model: String,
    environment: String,
    live: Option<u64>,
    /// The version that was deployed and does not serve as it was deployed, and why.
    unhealthy: Option<(u64, Unhealthy)>,
    wanted: Option<u64>,
    /// `None` in the hub, where nothing is deployed.
    why: Option<Why>,
    drift: String,
    idle: String,
    last: Option<DecisionRecord>,
}

/// The rows of a model: the hub, where it is trained and promoted, then its environments in the order of promotion.
fn of_view(view: &View, policy: &Policy, now: Timestamp) -> Vec<Row> {
    let hub = view.hub.iter().map(|hub| Row {
        model: view.model.clone(),
        environment: HUB.to_owned(),
        live: None,
        unhealthy: None,
        wanted: None,
        why: None,
        drift: String::new(),
        idle: String::new(),
        last: hub.latest().cloned(),
    });
    hub.chain(policy.environments.iter().map(|target| of_environment(view, policy, target, now))).collect()
}

fn of_environment(view: &View, policy: &Policy, target: &Environment, now: Timestamp) -> Row {
    let name = target.name.as_str();
    let known = view.environments.get(name);
    Row {
        model: view.model.clone(),
        environment: name.to_owned(),
        live: view.live(name),
        unhealthy: view.deployed(name).zip(view.unhealthy(name).cloned()),
        wanted: view.wanted(name),
        why: Some(why::why(view, policy, name, now)),
        drift: known.map(|known| why::drift(policy, target, known, now)).unwrap_or_default(),
        idle: known.map(|known| why::idle(target, known)).unwrap_or_default(),
        last: known.and_then(LedgerData::latest).cloned(),
    }
}

impl Row {
    fn cells(&self) -> Vec<Cell> {
        let version = |version: Option<u64>| version.map(|v| v.to_string()).unwrap_or_default();
        let (style_of_live, live) = match &self.unhealthy {
            Some((deployed, found)) => (BAD, format!("{deployed} {}", found.condition)),
            None => (if self.live == self.wanted { GOOD } else { PLAIN }, version(self.live)),
        };
        let waits = self.why.as_ref().map(Why::short).unwrap_or_default();
        let style = match &self.why {
            Some(why) if why.blocks && (why.reason == "failed" || self.unhealthy.is_some()) => BAD,
            Some(why) if why.blocks => WAITING,
            _ => FAINT,
        };
        let last = self.last.as_ref();
        let (last_style, last) = last.map_or((FAINT, String::new()), |record| {
            let (at, function, verdict) = (time(record.at), &record.function, &record.verdict);
            (verdict_style(verdict), format!("{at} {function} {verdict}: {}", record.message))
        });
        vec![
            Cell::new(STRONG, &self.model),
            Cell::plain(&self.environment),
            Cell::new(style_of_live, live),
            Cell::plain(version(self.wanted)),
            Cell::new(style, waits),
            Cell::plain(&self.drift),
            Cell::plain(&self.idle),
            Cell::new(last_style, last),
        ]
    }

    fn as_json(&self) -> Value {
        let some = |text: &String| (!text.is_empty()).then(|| text.clone());
        let waits = self
            .why
            .as_ref()
            .filter(|why| why.blocks)
            .map(|why| json!({ "reason": why.reason, "until": why.until, "message": why.message }));
        let last = self.last.as_ref().map(|record| {
            json!({
                "at": record.at, "function": record.function, "verdict": record.verdict, "reason": record.reason,
                "message": record.message, "id": record.id,
            })
        });
        let unhealthy = self.unhealthy.as_ref().map(|(deployed, found)| {
            json!({
                "version": deployed, "condition": found.condition, "since": found.since, "reason": found.reason,
                "message": found.detail,
            })
        });
        json!({
            "model": self.model, "environment": self.environment, "live": self.live, "unhealthy": unhealthy,
            "wanted": self.wanted,
            "waits_for": waits, "drift": some(&self.drift), "idle": some(&self.idle), "last_decision": last,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::example::{at, decided, environment, gone, hub, live, now, policy, promotion, view};

    #[test]
    fn a_row_for_the_hub_and_for_each_environment_in_the_order_of_promotion() {
        let policy = policy(&[]);
        let staged = promotion(json!({ "staging": { "status": "succeeded", "at": at("09:45") } }));
        let soaking = decided("09:45", "hub", "promote", "wait", ("soaking", "the version soaks"));
        let ignored = decided("09:46", "hub", "promote", "ignore", ("lifecycle_only", "only a note"));
        let answered = decided("08:00", "production", "deploy", "succeeded", ("answered", "it answered"));
        let view = view(
            &policy,
            [
                hub(staged, vec![ignored, soaking]),
                environment("production", live(6, "08:00"), vec![answered]),
            ],
        );
        let rows = of_view(&view, &policy, now());
        let told: Vec<_> = rows.iter().map(|row| (row.environment.as_str(), row.live, row.wanted)).collect();
        assert_eq!(
            told,
            [("hub", None, None), ("staging", Some(7), Some(7)), ("production", Some(6), Some(7))]
        );
        assert_eq!(rows[0].last.as_ref().unwrap().reason, "soaking");
        let production = rows[2].as_json();
        assert_eq!(production["waits_for"]["reason"], "soaking");
        assert_eq!(production["waits_for"]["until"], json!(at("10:15")));
        assert_eq!(production["last_decision"]["verdict"], "succeeded");
        assert_eq!(production["idle"], "not at zero");
        assert_eq!(rows[1].as_json()["waits_for"], json!(null));
    }

    #[test]
    fn what_is_gone_is_not_live() {
        let policy = policy(&[]);
        let everywhere = promotion(json!({
            "staging": { "status": "succeeded", "at": at("09:10") },
            "production": { "status": "succeeded", "at": at("09:45") },
        }));
        let alert = decided("09:51", "production", "deploy", "alert", ("live_gone", "it is gone"));
        let known = environment("production", gone(7, "09:45"), vec![alert]);
        let rows = of_view(&view(&policy, [hub(everywhere, vec![]), known]), &policy, now());
        let cells: Vec<String> = rows[2].cells().iter().map(|cell| cell.text.clone()).collect();
        assert_eq!(cells[2..5], ["7 gone", "7", "live gone"]);
        let production = rows[2].as_json();
        assert_eq!((&production["live"], &production["wanted"]), (&json!(null), &json!(7)));
        assert_eq!(production["unhealthy"]["condition"], "gone");
        assert_eq!(production["unhealthy"]["since"], json!(at("09:50")));
        assert_eq!(rows[1].as_json()["unhealthy"], json!(null));
    }

    #[test]
    fn a_version_that_goes_no_further_is_not_wanted_where_it_is_not() {
        let policy = policy(&[]);
        let mut stopped = promotion(json!({ "staging": { "status": "succeeded", "at": at("09:45") } }));
        stopped["promotion"]["stopped"] = json!(true);
        let answered = decided("08:00", "production", "deploy", "succeeded", ("answered", "it answered"));
        let view = view(
            &policy,
            [hub(stopped, vec![]), environment("production", live(6, "08:00"), vec![answered])],
        );
        assert_eq!((view.wanted("staging"), view.wanted("production")), (Some(7), Some(6)));
    }
}
