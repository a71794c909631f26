//! `tidegate uninstall`: deletes the stacks of an installation.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::{Planned, bucket, clients, plan, read};
use crate::Failure;
use crate::print::{FAINT, GOOD, paint, print_line};

/// The arguments of `tidegate uninstall`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The installation file with which the stacks were deployed.
    file: PathBuf,
    /// Also delete the ledgers: the policies, and the records of every decision.
    #[arg(long)]
    delete_ledgers: bool,
    /// Only show what would be deleted.
    #[arg(long)]
    dry_run: bool,
}

/// Deletes the stacks in the opposite order of their deployment, then the code buckets.
pub(crate) async fn run(arguments: &Arguments) -> Result<(), Failure> {
    let installation = read(&arguments.file)?;
    let mut steps = plan::steps(&installation);
    steps.reverse();
    let mut kept = Vec::new();
    for planned in steps.iter().flatten() {
        let place = format!("{} in {} {}", planned.name, planned.account, planned.region);
        if arguments.dry_run {
            print_line(&format!("would delete {place}"));
        } else {
            print_line(&format!("{} {place}", paint(FAINT, "deleting")));
            let failed = |error| Failure::Ledger(format!("{place}: {error}"));
            let existed = deployments(planned).await.delete(&planned.name).await.map_err(failed)?;
            print_line(&format!(
                "{} {place}",
                paint(GOOD, if existed { "deleted" } else { "was not there:" })
            ));
        }
        if matches!(planned.template, "hub.yaml" | "environment.yaml") {
            kept.push(planned);
        }
    }
    ledgers(&kept, arguments).await?;
    buckets(steps.iter().flatten(), arguments.dry_run).await
}

async fn deployments(planned: &Planned) -> tidegate_aws::operate::Deployments {
    clients(planned.profile.as_deref(), &planned.region).await.deployments()
}

/// Deletes the tables, which the stacks leave behind, or says how.
async fn ledgers(kept: &[&Planned], arguments: &Arguments) -> Result<(), Failure> {
    for planned in kept {
        let place = format!("table {} in {} {}", planned.name, planned.account, planned.region);
        match (arguments.delete_ledgers, arguments.dry_run) {
            (false, _) => print_line(&format!(
                "kept {place}: it has the policies and the records; --delete-ledgers deletes it"
            )),
            (true, true) => print_line(&format!("would delete {place}")),
            (true, false) => {
                let failed = |error| Failure::Ledger(format!("{place}: {error}"));
                deployments(planned).await.delete_table(&planned.name).await.map_err(failed)?;
                print_line(&format!("{} {place}", paint(GOOD, "deleted")));
            }
        }
    }
    Ok(())
}

/// Deletes the code bucket of each account and region.
async fn buckets(all: impl Iterator<Item = &Planned>, dry_run: bool) -> Result<(), Failure> {
    let mut done = BTreeSet::new();
    for planned in all {
        let bucket = bucket(planned);
        if !done.insert(bucket.clone()) {
            continue;
        }
        if dry_run {
            print_line(&format!("would delete bucket {bucket}"));
            continue;
        }
        let failed = |error| Failure::Ledger(format!("bucket {bucket}: {error}"));
        let deleted =
            deployments(planned).await.delete_bucket(&bucket, &planned.account).await.map_err(failed)?;
        print_line(&format!(
            "{} bucket {bucket}",
            paint(GOOD, if deleted { "deleted" } else { "was not there:" })
        ));
    }
    Ok(())
}
