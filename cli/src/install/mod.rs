//! `tidegate install` and `tidegate uninstall`: the stacks of one installation, in the accounts of its file.

mod access;
mod explain;
mod file;
mod plan;
mod templates;
#[cfg(test)]
mod tests;
mod uninstall;

use std::path::{Path, PathBuf};
use std::time::Instant;

use futures::future::join_all;
use serde_json::json;
use sha2::{Digest, Sha256};
use tidegate_aws::Aws;
use tidegate_aws::operate::{Deployed, Deployments, Wanted};

use crate::Failure;
use crate::print::{BAD, FAINT, GOOD, STRONG, paint, print_line};

pub(crate) use access::{Arguments as AccessArguments, run as access};
pub(crate) use file::read;
pub(crate) use plan::Planned;
pub(crate) use uninstall::{Arguments as UninstallArguments, run as uninstall};

use templates::Templates;

/// The arguments of `tidegate install`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The installation file: accounts, regions, buckets.
    file: PathBuf,
    /// The folder with the built functions: NAME.zip or NAME/bootstrap.zip for each, as a release or `cargo lambda build
    /// --output-format zip` makes them.
    #[arg(long, value_name = "FOLDER", required_unless_present = "dry_run")]
    code: Option<PathBuf>,
    /// A folder with changed templates, instead of those of this version.
    #[arg(long, value_name = "FOLDER")]
    templates: Option<PathBuf>,
    /// Only show the stacks and their parameters.
    #[arg(long)]
    dry_run: bool,
}

/// Deploys every stack of an installation, in the order that EventBridge demands.
pub(crate) async fn run(arguments: &Arguments, json: bool) -> Result<(), Failure> {
    let installation = read(&arguments.file)?;
    let templates = Templates::read(arguments.templates.as_deref())?;
    let steps = plan::steps(&installation);
    templates.check(&steps)?;
    if arguments.dry_run {
        steps.iter().flatten().for_each(|planned| show(planned, json));
        return Ok(());
    }
    let code = arguments.code.as_deref().map(read_code).transpose()?.unwrap_or_default();
    for step in steps {
        let deployed = join_all(step.iter().map(|planned| deploy(planned, &templates, &code, json))).await;
        let failures: Vec<String> = deployed.into_iter().filter_map(Result::err).collect();
        if !failures.is_empty() {
            return Err(Failure::Ledger(failures.join("\n")));
        }
    }
    if !json {
        print_line("");
        print_line(&format!("{} the installation is complete. What remains:", paint(GOOD, "done")));
        access::remaining(&installation, &arguments.file).iter().for_each(|line| print_line(line));
    }
    Ok(())
}

/// A function's zip and its name in the bucket.
struct Code {
    function: String,
    key: String,
    zip: Vec<u8>,
}

/// Reads the zips of all functions.
fn read_code(folder: &Path) -> Result<Vec<Code>, Failure> {
    let mut all = Vec::new();
    for function in tidegate_functions::FUNCTIONS.map(|function| function.name) {
        let places = [folder.join(format!("{function}.zip")), folder.join(function).join("bootstrap.zip")];
        let found = places.iter().find(|place| place.is_file()).ok_or_else(|| {
            let folder = folder.display();
            let build = "cargo lambda build --release --arm64 --output-format zip -p tidegate-NAME";
            Failure::Input(format!(
                "{folder}: there is no {function}.zip and no {function}/bootstrap.zip; unpack the functions of a release there, or \
                 run `{build}` for each function and name target/lambda"
            ))
        })?;
        let zip =
            std::fs::read(found).map_err(|error| Failure::Input(format!("{}: {error}", found.display())))?;
        all.push(Code {
            function: function.to_owned(),
            key: format!("{function}-{}.zip", digest(&zip)),
            zip,
        });
    }
    Ok(all)
}

/// CloudFormation notices a change by the name of an object, so the name has the digest of the content.
fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().take(12).map(|byte| format!("{byte:02x}")).collect()
}

/// The bucket of an account and region for templates and code.
fn bucket(planned: &Planned) -> String {
    format!("tidegate-code-{}-{}", planned.account, planned.region)
}

pub(crate) async fn clients(profile: Option<&str>, region: &str) -> Aws {
    let aws = match profile {
        Some(profile) => Aws::for_profile(profile).await,
        None => Aws::from_env().await,
    };
    aws.in_region(region)
}

async fn deploy(planned: &Planned, templates: &Templates, code: &[Code], json: bool) -> Result<(), String> {
    let start = Instant::now();
    let place = format!("{} in {} {}", planned.name, planned.account, planned.region);
    if !json {
        print_line(&format!("{} {place} ({})", paint(FAINT, "deploying"), planned.template));
    }
    let deployments = clients(planned.profile.as_deref(), &planned.region).await.deployments();
    let outcome = upload_and_deploy(planned, &deployments, templates, code).await;
    let outcome = outcome.map_err(|error| format!("{place}: {error}"))?;
    let word = match outcome {
        Deployed::Created => "created",
        Deployed::Updated => "updated",
        Deployed::Unchanged => "unchanged",
        Deployed::Failed(status, failures) => {
            let causes: Vec<String> =
                failures.iter().map(|failed| format!("  {}", explain::explain(planned, failed))).collect();
            return Err(format!("{} {place} is {status}\n{}", paint(BAD, "failed"), causes.join("\n")));
        }
    };
    if json {
        let seconds = start.elapsed().as_secs();
        print_line(&json!({ "stack": planned.name, "account": planned.account, "region": planned.region, "outcome": word, "seconds": seconds }).to_string());
    } else {
        print_line(&format!("{} {place} after {} s", paint(GOOD, word), start.elapsed().as_secs()));
    }
    Ok(())
}

async fn upload_and_deploy(
    planned: &Planned,
    deployments: &Deployments,
    templates: &Templates,
    code: &[Code],
) -> Result<Deployed, tidegate_engine::CallError> {
    let (bucket, account) = (bucket(planned), planned.account.as_str());
    deployments.ensure_bucket(&bucket, account, &planned.region).await?;
    let mut template = templates.text(planned.template).to_owned();
    for function in code {
        let place = format!("CodeUri: ../functions/{}\n", function.function);
        if template.contains(&place) {
            deployments.put(&bucket, account, &function.key, function.zip.clone()).await?;
            template = template.replace(&place, &format!("CodeUri: s3://{bucket}/{}\n", function.key));
        }
    }
    let key = format!("{}-{}", digest(template.as_bytes()), planned.template);
    let place = (bucket.as_str(), account, planned.region.as_str());
    let template_url = deployments.put_template(place, &key, template).await?;
    let wanted = Wanted { name: planned.name.clone(), template_url, parameters: planned.parameters.clone() };
    deployments.deploy(&wanted).await
}

fn show(planned: &Planned, json: bool) {
    if json {
        let parameters: serde_json::Map<String, serde_json::Value> =
            planned.parameters.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
        print_line(&json!({ "stack": planned.name, "account": planned.account, "region": planned.region, "template": planned.template, "parameters": parameters }).to_string());
        return;
    }
    let place = format!("in {} {}", planned.account, planned.region);
    print_line(&format!("{} {place} ({})", paint(STRONG, &planned.name), planned.template));
    for (name, value) in &planned.parameters {
        print_line(&format!("  {name}={value}"));
    }
}
