//! `tidegate live-check`: asks a real AWS account what the local cloud assumes.
//!
//! Each check is a small CloudFormation template with an expected outcome. The stacks cost nothing or less than a cent, and are
//! deleted afterwards. The answers can be recorded, and a later run is compared with them.

mod checks;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use tidegate_aws::operate::{Deployed, Deployments, Wanted};

use crate::Failure;
use crate::print::{BAD, FAINT, GOOD, STRONG, WAITING, paint, print_line};
use checks::{CHECKS, Check, Expected};

/// The arguments of `tidegate live-check`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The AWS profile of an account for experiments. Without it the environment variables count.
    #[arg(long)]
    profile: Option<String>,
    /// The account id of the profile. The command does not run in another account.
    #[arg(long)]
    account: String,
    /// The region.
    #[arg(long, default_value = "us-east-1")]
    region: String,
    /// Make the resources. Without it, the command only says what it would do and what that costs.
    #[arg(long)]
    yes: bool,
    /// The file with the recorded answers. It is created, or compared and completed.
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
}

/// The recorded answer of AWS to one check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Answer {
    /// The day on which AWS gave it.
    seen_on: String,
    /// What happened.
    answer: String,
    /// Whether it is what the local cloud does.
    as_assumed: bool,
}

/// Runs every check and prints assumption, expectation and answer.
pub(crate) async fn run(arguments: &Arguments, json: bool) -> Result<(), Failure> {
    if !arguments.yes {
        return plan(arguments, json);
    }
    let earlier = recorded(arguments)?;
    let aws = crate::install::clients(arguments.profile.as_deref(), &arguments.region).await;
    let deployments = aws.deployments();
    let bucket = format!("tidegate-live-check-{}-{}", arguments.account, arguments.region);
    let failed = |error: tidegate_engine::CallError| Failure::Ledger(error.to_string());
    deployments.ensure_bucket(&bucket, &arguments.account, &arguments.region).await.map_err(failed)?;
    let mut answers = BTreeMap::new();
    for check in CHECKS {
        let answer = ask(check, arguments, &deployments, &bucket).await;
        tell(check, &answer, earlier.get(check.name), json);
        answers.insert(check.name.to_owned(), answer);
    }
    deployments.delete_bucket(&bucket, &arguments.account).await.map_err(failed)?;
    let wrong = answers.values().filter(|answer| !answer.as_assumed).count();
    if let Some(file) = &arguments.record {
        let text = serde_json::to_string_pretty(&answers).unwrap_or_default();
        std::fs::write(file, text + "\n")
            .map_err(|error| Failure::Input(format!("{}: {error}", file.display())))?;
    }
    match wrong {
        0 => Ok(()),
        wrong => Err(Failure::Ledger(format!(
            "{wrong} of {} assumptions do not hold in this account: the local cloud must be changed",
            CHECKS.len()
        ))),
    }
}

/// Says what the command would do.
fn plan(arguments: &Arguments, json: bool) -> Result<(), Failure> {
    for check in CHECKS {
        if json {
            let line = serde_json::json!({ "check": check.name, "assumption": check.assumption, "source": check.source });
            print_line(&line.to_string());
        } else {
            print_line(&format!(
                "{}\n    {}\n    {}",
                paint(STRONG, check.name),
                check.assumption,
                paint(FAINT, check.source)
            ));
        }
    }
    let cost = "It makes buses, rules, roles, queues and one table in small stacks, and deletes them. This costs less than 0.01 USD.";
    if !json {
        print_line(&format!("\n{cost} To run it in account {}: add --yes", arguments.account));
    }
    Ok(())
}

fn recorded(arguments: &Arguments) -> Result<BTreeMap<String, Answer>, Failure> {
    let Some(file) = arguments.record.as_ref().filter(|file| file.exists()) else {
        return Ok(BTreeMap::new());
    };
    let wrong = |error: String| Failure::Input(format!("{}: {error}", file.display()));
    let text = std::fs::read_to_string(file).map_err(|error| wrong(error.to_string()))?;
    serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))
}

/// Deploys the stacks of a check one after the other, looks at the outcome of the last, and deletes all.
async fn ask(check: &Check, arguments: &Arguments, deployments: &Deployments, bucket: &str) -> Answer {
    let mut outcome = Ok("no stack".to_owned());
    let mut names = Vec::new();
    for (number, template) in check.templates.iter().enumerate() {
        let name = format!("tidegate-live-{}-{number}", check.name);
        let key = format!("{name}.yaml");
        outcome = deploy(deployments, arguments, bucket, (&name, &key), template).await;
        names.push(name);
    }
    let deletions = delete(deployments, check, &names).await;
    let answer = outcome
        .and_then(|answer| deletions.map(|()| answer))
        .unwrap_or_else(|error| format!("error: {error}"));
    let as_assumed = match check.expected {
        Expected::Created => answer == "created",
        Expected::Refused(words) => answer.contains(words),
    };
    Answer { seen_on: jiff::Timestamp::now().strftime("%Y-%m-%d").to_string(), answer, as_assumed }
}

async fn deploy(
    deployments: &Deployments,
    arguments: &Arguments,
    bucket: &str,
    (name, key): (&str, &str),
    template: &str,
) -> Result<String, String> {
    let place = (bucket, arguments.account.as_str(), arguments.region.as_str());
    let put = deployments.put_template(place, key, template.to_owned()).await;
    let template_url = put.map_err(|error| error.to_string())?;
    let wanted = Wanted { name: name.to_owned(), template_url, parameters: Vec::new() };
    match deployments.deploy(&wanted).await {
        Ok(Deployed::Created) => Ok("created".to_owned()),
        Ok(Deployed::Updated | Deployed::Unchanged) => Ok("updated".to_owned()),
        Ok(Deployed::Failed(status, failures)) => {
            let reasons: Vec<String> =
                failures.into_iter().map(|f| format!("{}: {}", f.resource, f.reason)).collect();
            Ok(format!("{status}: {}", reasons.join("; ")))
        }
        // A call that is refused is an answer as well.
        Err(error) => Ok(format!("refused: {error}")),
    }
}

async fn delete(deployments: &Deployments, check: &Check, names: &[String]) -> Result<(), String> {
    for name in names.iter().rev() {
        deployments.delete(name).await.map_err(|error| error.to_string())?;
    }
    for table in check.tables {
        deployments.delete_table(table).await.map_err(|error| error.to_string())?;
    }
    Ok(())
}

fn tell(check: &Check, answer: &Answer, earlier: Option<&Answer>, json: bool) {
    let changed = earlier.is_some_and(|earlier| earlier.as_assumed != answer.as_assumed);
    if json {
        let line = serde_json::json!({
            "check": check.name, "assumption": check.assumption, "source": check.source, "expected": check.expected.in_words(),
            "answer": answer.answer, "as_assumed": answer.as_assumed, "changed_since": earlier.filter(|_| changed).map(|e| &e.seen_on),
        });
        print_line(&line.to_string());
        return;
    }
    let (style, word) = if answer.as_assumed { (GOOD, "as assumed") } else { (BAD, "otherwise ") };
    print_line(&format!("{}  {}: {}", paint(style, word), paint(STRONG, check.name), check.assumption));
    print_line(&format!("            expected: {}", check.expected.in_words()));
    print_line(&format!("            answer:   {}", answer.answer));
    if let Some(earlier) = earlier.filter(|_| changed) {
        print_line(&paint(
            WAITING,
            &format!("            on {} it was: {}", earlier.seen_on, earlier.answer),
        ));
    }
}
