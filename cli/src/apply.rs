//! `tidegate apply`: writes policy files to ledgers.

use jiff::Timestamp;
use serde_json::json;
use std::path::PathBuf;
use tidegate_engine::ports::Ledger;
use tidegate_policy::file::{self, Policy};

use crate::Failure;
use crate::diff::{self, Difference};
use crate::files;
use crate::ledgers::{Ledgers, Place};
use crate::print::{BAD, FAINT, GOOD, STRONG, paint, print_json, print_line};

/// Shows what the policies change in each ledger and, without `--dry-run`, writes them. Nothing is written if a file is
/// invalid or a ledger cannot be read.
pub(crate) async fn run(
    named: &[PathBuf],
    ledgers: &Ledgers,
    dry_run: bool,
    json: bool,
) -> Result<(), Failure> {
    let policies = if json { files::read_as_json(named)? } else { files::read(named)? };
    let places = ledgers.open().await?;
    let mut changes = Vec::new();
    for place in &places {
        reject_conflicts(place, &policies).await?;
        for policy in &policies {
            changes.push((place, policy, compare(place, policy).await?));
        }
    }
    for (place, policy, change) in changes {
        if !dry_run {
            // An unchanged policy is written as well, because a newer version of this command may derive more lookups
            // from it.
            let applied = place.ledger.apply(policy, Timestamp::now()).await;
            applied.map_err(|error| place.failed(error))?;
        }
        if json {
            print_json(&change.as_json(place, policy, dry_run).to_string());
        } else {
            change.print(place, policy, dry_run);
        }
    }
    Ok(())
}

/// A policy that names a resource of another applied policy is not applied.
async fn reject_conflicts(place: &Place, policies: &[Policy]) -> Result<(), Failure> {
    let mut others = Vec::new();
    for model in place.ledger.models().await.map_err(|error| place.failed(error))? {
        if policies.iter().any(|policy| policy.model.as_str() == model) {
            continue;
        }
        match place.ledger.policy(&model).await {
            Ok(applied) => others.extend(applied.map(|applied| applied.policy)),
            // A policy that this version cannot read cannot be compared.
            Err(tidegate_engine::EngineError::Stored { .. }) => {}
            Err(error) => return Err(place.failed(error)),
        }
    }
    let all: Vec<&Policy> = others.iter().map(AsRef::as_ref).chain(policies).collect();
    let applied = |model: &str| policies.iter().all(|policy| policy.model.as_str() != model);
    let found: Vec<String> = file::conflicts(&all)
        .into_iter()
        // What two applied policies say of each other is not of this command.
        .filter(|conflict| !applied(&conflict.model))
        .map(|conflict| {
            format!(
                "{}: {}: {}; the applied policy of the model `{}` says so in {}",
                conflict.model, conflict.path, conflict.message, conflict.other_model, conflict.other_path
            )
        })
        .collect();
    if found.is_empty() {
        Ok(())
    } else {
        Err(Failure::Input(format!("{}: {}", place.name, found.join("\n"))))
    }
}

/// The change that applying a policy makes in a ledger.
enum Change {
    /// The ledger has no policy of this model yet.
    New,
    /// The ledger has the same policy.
    Unchanged,
    /// The ledger has another version of the policy.
    Changed { before: String, differences: Vec<Difference> },
    /// This version cannot read the applied policy, so it cannot be compared.
    Unreadable(String),
}

async fn compare(place: &Place, policy: &Policy) -> Result<Change, Failure> {
    match place.ledger.policy(policy.model.as_str()).await {
        Ok(None) => Ok(Change::New),
        Ok(Some(applied)) => {
            let differences = diff::between(&applied.policy, policy);
            Ok(if differences.is_empty() {
                Change::Unchanged
            } else {
                Change::Changed { before: applied.version, differences }
            })
        }
        Err(tidegate_engine::EngineError::Stored { message, .. }) => Ok(Change::Unreadable(message)),
        Err(error) => Err(place.failed(error)),
    }
}

impl Change {
    fn name(&self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Unchanged => "unchanged",
            Self::Changed { .. } => "changed",
            Self::Unreadable(_) => "replaced",
        }
    }

    fn as_json(&self, place: &Place, policy: &Policy, dry_run: bool) -> serde_json::Value {
        let (before, differences) = match self {
            Self::Changed { before, differences } => (Some(before), differences.as_slice()),
            Self::New | Self::Unchanged | Self::Unreadable(_) => (None, &[][..]),
        };
        json!({
            "ledger": place.name, "model": policy.model.as_str(), "version": policy.version(), "change": self.name(),
            "before": before, "differences": differences, "applied": !dry_run,
        })
    }

    fn print(&self, place: &Place, policy: &Policy, dry_run: bool) {
        let (model, version) = (policy.model.as_str(), policy.version());
        let verb = if dry_run { "would apply" } else { "applied" };
        let what = match self {
            Self::New => "new".to_owned(),
            Self::Unchanged => "unchanged".to_owned(),
            Self::Changed { before, .. } => format!("was {before}"),
            Self::Unreadable(error) => format!("replaces a policy that this version cannot read: {error}"),
        };
        let line = format!("{}: {verb} {model} version {version}", place.name);
        print_line(&format!("{} {}", paint(STRONG, &line), paint(FAINT, &format!("({what})"))));
        if let Self::Changed { differences, .. } = self {
            for difference in differences {
                print_difference(difference);
            }
        }
    }
}

fn print_difference(difference: &Difference) {
    let Difference { path, before, after } = difference;
    print_line(&match (before, after) {
        (Some(before), Some(after)) => {
            format!("    {path}: {} -> {}", paint(BAD, before), paint(GOOD, after))
        }
        (None, Some(after)) => format!("  {} {path}: {}", paint(GOOD, "+"), paint(GOOD, after)),
        (Some(before), None) => format!("  {} {path}: {}", paint(BAD, "-"), paint(BAD, before)),
        (None, None) => format!("    {path}"),
    });
}
