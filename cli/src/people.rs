//! The commands of people: a signed request to the hub's function URL, which names the caller.

use clap::Args;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use tidegate_aws::Aws;
use tidegate_aws::operate::CommandAnswer;
use tidegate_engine::{CallError, Class};

use crate::ledgers::Ledgers;
use crate::print::{print_json, print_line, say};
use crate::{Failure, credentials};

/// The output of the hub's stack that has the function URL.
const URL_OUTPUT: &str = "OperateUrl";
/// How often a request is sent that gets no answer. All have the same id, so it is taken once.
const ATTEMPTS: u32 = 3;

/// Where commands are sent, and how.
#[derive(Args)]
pub(crate) struct Door {
    /// The function URL of the hub. Without it, the output `OperateUrl` of the hub's stack.
    #[arg(long, env = "TIDEGATE_URL", value_name = "URL")]
    url: Option<String>,
    /// The AWS profile that signs the request, with --url. Without it, the environment variables count.
    #[arg(long, requires = "url")]
    profile: Option<String>,
    #[command(flatten)]
    ledgers: Ledgers,
    /// Only print the request.
    #[arg(long)]
    dry_run: bool,
}

/// What a person commands.
#[derive(clap::Subcommand)]
pub(crate) enum Order {
    /// Approve a version for an environment whose policy asks for approvals.
    Approve {
        /// The name of the model.
        model: String,
        /// The version.
        version: u64,
        /// The environment.
        environment: String,
        /// Why.
        #[arg(long)]
        comment: Option<String>,
        #[command(flatten)]
        door: Door,
    },
    /// Reject a version in the registry. Where it is deployed or on its way, its promotion stops.
    Reject {
        /// The name of the model.
        model: String,
        /// The version.
        version: u64,
        /// Why.
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        door: Door,
    },
    /// Stop automation for a model, or for one of its environments, until it is released.
    Hold {
        /// The name of the model.
        model: String,
        /// The environment; every one if it is absent.
        environment: Option<String>,
        /// Why.
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        door: Door,
    },
    /// End a hold.
    Release {
        /// The name of the model.
        model: String,
        /// The environment of the hold; a hold on every one if it is absent.
        environment: Option<String>,
        #[command(flatten)]
        door: Door,
    },
    /// Go back to the version that an environment served before, or to another one. A hold keeps it.
    Rollback {
        /// The name of the model.
        model: String,
        /// The environment.
        environment: String,
        /// The version to go back to; the one that succeeded there before if it is absent.
        #[arg(long)]
        to: Option<u64>,
        /// Why.
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        door: Door,
    },
    /// Promote an approved version past the gates of an environment, in an emergency. People are told.
    Promote {
        /// The name of the model.
        model: String,
        /// The version.
        version: u64,
        /// The environment.
        environment: String,
        /// Confirms that no gate is asked. Without it, the version enters when its gates open, and no command is needed.
        #[arg(long, required = true)]
        force: bool,
        /// Why.
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        door: Door,
    },
    /// Let no version enter an environment until a time.
    Freeze {
        /// The name of the model.
        #[arg(required_unless_present = "every_model")]
        model: Option<String>,
        /// The environment; every one if it is absent.
        environment: Option<String>,
        /// Freeze every model of the hub.
        #[arg(long, conflicts_with = "model")]
        every_model: bool,
        /// The end of the freeze: a time, such as 2027-01-04T08:00:00Z.
        #[arg(long)]
        until: Timestamp,
        /// Why.
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        door: Door,
    },
    /// End a freeze before its end.
    Unfreeze {
        /// The name of the model.
        #[arg(required_unless_present = "every_model")]
        model: Option<String>,
        /// The environment of the freeze; a freeze of every one if it is absent.
        environment: Option<String>,
        /// End a freeze of every model of the hub.
        #[arg(long, conflicts_with = "model")]
        every_model: bool,
        #[command(flatten)]
        door: Door,
    },
}

impl Order {
    fn door(&self) -> &Door {
        match self {
            Self::Approve { door, .. }
            | Self::Reject { door, .. }
            | Self::Hold { door, .. }
            | Self::Release { door, .. }
            | Self::Rollback { door, .. }
            | Self::Promote { door, .. }
            | Self::Freeze { door, .. }
            | Self::Unfreeze { door, .. } => door,
        }
    }

    /// The body of the request. Absent fields are left out.
    fn body(&self, request_id: &str, now: Timestamp) -> Value {
        let fields = match self {
            Self::Approve { model, version, environment, comment, .. } => json!({
                "command": "approve", "model": model, "version": version, "environment": environment, "comment": comment,
            }),
            Self::Reject { model, version, reason, .. } => {
                json!({ "command": "reject", "model": model, "version": version, "reason": reason })
            }
            Self::Hold { model, environment, reason, .. } => {
                json!({ "command": "hold", "model": model, "environment": environment, "reason": reason })
            }
            Self::Release { model, environment, .. } => {
                json!({ "command": "release", "model": model, "environment": environment })
            }
            Self::Rollback { model, environment, to, reason, .. } => json!({
                "command": "rollback", "model": model, "environment": environment, "to": to, "reason": reason,
            }),
            Self::Promote { model, version, environment, reason, .. } => json!({
                "command": "force", "model": model, "version": version, "environment": environment, "reason": reason,
            }),
            Self::Freeze { model, environment, until, reason, .. } => json!({
                "command": "freeze", "model": model, "environment": environment, "until": until, "reason": reason,
            }),
            Self::Unfreeze { model, environment, .. } => {
                json!({ "command": "unfreeze", "model": model, "environment": environment })
            }
        };
        let mut body = Map::new();
        body.insert("schema".to_owned(), json!(tidegate_events::SCHEMA));
        body.insert("request_id".to_owned(), json!(request_id));
        body.insert("sent_at".to_owned(), json!(now));
        if let Value::Object(fields) = fields {
            body.extend(fields.into_iter().filter(|(_, value)| !value.is_null()));
        }
        Value::Object(body)
    }
}

/// Sends a command and prints the answer.
pub(crate) async fn run(order: &Order, json: bool) -> Result<(), Failure> {
    let door = order.door();
    let request_id = format!("{:032x}", fastrand::u128(..));
    if door.dry_run {
        let body = order.body(&request_id, Timestamp::now());
        if json {
            print_json(&body.to_string());
        } else {
            print_line(&format!("{body:#}"));
        }
        return Ok(());
    }
    let (aws, url, profile) = door.open().await?;
    let commands = aws.commands(&url);
    let mut attempt = 1;
    let answer = loop {
        // The time is that of the attempt; the id stays, so that the command is taken once.
        let answer = commands.send(&order.body(&request_id, Timestamp::now()).to_string()).await;
        let again = match &answer {
            Ok(answer) => matches!(answer.status, 429 | 500..),
            Err(error) => error.class == Class::Retryable,
        };
        if !again || attempt >= ATTEMPTS {
            break answer;
        }
        say(&format!("no answer to attempt {attempt}; the same request is sent again"));
        tokio::time::sleep(std::time::Duration::from_secs(u64::from(attempt) * 2)).await;
        attempt += 1;
    };
    let answer = answer.map_err(|error| failed(&error, profile.as_deref(), &url))?;
    told(&answer, attempt > 1, json)
}

impl Door {
    /// The clients that sign, the function URL, and the profile.
    async fn open(&self) -> Result<(Aws, String, Option<String>), Failure> {
        if let Some(url) = &self.url {
            if !url.starts_with("https://") && !url.starts_with("http://127.0.0.1:") {
                return Err(Failure::Input(format!("--url {url}: a function URL begins with https://")));
            }
            let aws = match &self.profile {
                Some(profile) => Aws::for_profile(profile).await,
                None => Aws::from_env().await,
            };
            return Ok((aws, url.clone(), self.profile.clone()));
        }
        let places = self.ledgers.open().await?;
        for place in &places {
            let url = place.aws.stacks().output(&place.stack, URL_OUTPUT).await;
            if let Some(url) = url.map_err(|error| place.failed(error))? {
                return Ok((place.aws.clone(), url, place.profile.clone()));
            }
        }
        let names: Vec<&str> = places.iter().map(|place| place.name.as_str()).collect();
        Err(Failure::Ledger(format!(
            "{}: no stack has the output {URL_OUTPUT}; specify the hub, update it with `tidegate install`, or give --url",
            names.join(", ")
        )))
    }
}

fn failed(error: &CallError, profile: Option<&str>, url: &str) -> Failure {
    let text = tidegate_events::clean(&error.message).into_owned();
    Failure::Ledger(match credentials::problem(profile, &text) {
        Some((what, how)) => format!("{what}; {how}"),
        None => format!("{url} did not answer: {text}"),
    })
}

/// Prints the answer. A refusal is a failure.
fn told(answer: &CommandAnswer, is_repeated: bool, json: bool) -> Result<(), Failure> {
    let body: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    let text = |name: &str| {
        body.get(name).and_then(Value::as_str).map(|text| tidegate_events::clean(text).into_owned())
    };
    let (Some(outcome), Some(message)) = (text("outcome"), text("message")) else {
        return Err(Failure::Ledger(not_admitted(answer)));
    };
    if json {
        print_json(&body.to_string());
    }
    // The first attempt was taken, and its answer was lost.
    let is_done = outcome == "accepted" || (outcome == "duplicate" && is_repeated);
    if !is_done {
        return Err(Failure::Ledger(format!("refused: {message}")));
    }
    if !json {
        let decision = text("decision").unwrap_or_default();
        print_line(&format!("{message} (decision {decision})"));
    }
    Ok(())
}

/// The answer of Lambda itself, which never invoked the function.
fn not_admitted(answer: &CommandAnswer) -> String {
    let said = tidegate_events::clean(answer.body.trim()).into_owned();
    let how = match answer.status {
        403 => {
            "the caller needs the policy STACK-operator of the hub's stack (output OperatorPolicyArn), and a correct clock"
        }
        404 => "there is no such function URL; look at the output OperateUrl of the hub's stack",
        429 => "the function is busy; give the command again",
        _ => "look at the log of the function STACK-operate, and give the command again",
    };
    format!("AWS answered with status {}: {said}; {how}", answer.status)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> CommandAnswer {
        CommandAnswer { status, body: body.to_owned() }
    }

    fn problem(result: Result<(), Failure>) -> String {
        match result {
            Err(Failure::Ledger(message) | Failure::Input(message)) => message,
            Ok(()) => "done".to_owned(),
        }
    }

    #[test]
    fn an_answer_is_success_or_says_what_to_do() {
        let accepted = r#"{"outcome":"accepted","message":"hold by x was accepted","decision":"d"}"#;
        let duplicate = r#"{"outcome":"duplicate","message":"taken before"}"#;
        let refused = r#"{"outcome":"refused","message":"x may not hold: no"}"#;
        assert_eq!(problem(told(&answer(200, accepted), false, false)), "done");
        assert_eq!(problem(told(&answer(409, duplicate), true, false)), "done");
        assert_eq!(problem(told(&answer(409, duplicate), false, false)), "refused: taken before");
        assert_eq!(problem(told(&answer(403, refused), false, false)), "refused: x may not hold: no");
        assert!(
            problem(told(&answer(403, r#"{"Message":"Forbidden"}"#), false, false))
                .contains("STACK-operator")
        );
        assert!(
            problem(told(&answer(502, "Internal Server Error"), false, false)).contains("STACK-operate,")
        );
    }
}
