//! `tidegate redrive`: lists the messages in dead-letter queues and delivers their events again.

mod letter;

use serde_json::{Value, json};
use tidegate_aws::operate::{Answer, DeadLetters, Letter, Stack};

use crate::Failure;
use crate::ledgers::{Ledgers, Place};
use crate::print::{BAD, FAINT, GOOD, PLAIN, STRONG, WAITING, paint, print_json, print_line, time};

use letter::{Delivery, ParsedMessage};
pub(crate) use letter::{QUEUE, queue_name};

/// The visibility timeout of a received message, in seconds. It is longer than a redrive takes. If the command dies,
/// the messages become visible again after it.
const VISIBILITY_SECONDS: i32 = 600;

/// The arguments of `tidegate redrive`.
pub(crate) struct Selection {
    /// Only the messages of this function.
    pub(crate) function: Option<String>,
    /// Only list the messages.
    pub(crate) list: bool,
}

/// Lists the messages of each stack and, without `--list`, delivers their events again. A message is deleted only after
/// its event was accepted.
pub(crate) async fn run(ledgers: &Ledgers, wanted: &Selection, json: bool) -> Result<(), Failure> {
    let (mut found, mut left) = (0_usize, 0_usize);
    let places = ledgers.open().await?;
    let mut stacks = Vec::new();
    for place in &places {
        stacks.push((place, stack(place).await?));
    }
    for (place, queue) in queues(&stacks, wanted.function.as_deref())? {
        let letters = place.aws.dead_letters();
        let taken =
            letters.take_all(queue.url, VISIBILITY_SECONDS).await.map_err(|error| place.failed(error))?;
        for letter in &taken {
            let read = letter::read(letter, queue.stack);
            let outcome = match wanted.list {
                true => listed(&letters, queue.url, letter).await,
                false => send(place, &letters, queue.url, letter, &read.way).await,
            };
            found = found.saturating_add(1);
            left = left.saturating_add(usize::from(!outcome.is_good()));
            tell(place, &queue.name, letter, &read, &outcome, json);
        }
    }
    if found == 0 && !json {
        print_line(&paint(GOOD, "the dead-letter queues are empty"));
    }
    match left {
        0 => Ok(()),
        left => Err(Failure::Ledger(format!(
            "{left} of {found} messages could not be redriven and are still in their queues"
        ))),
    }
}

async fn stack(place: &Place) -> Result<Stack, Failure> {
    let found = place.aws.stacks().stack(&place.stack).await.map_err(|error| place.failed(error))?;
    found.ok_or_else(|| place.failed(format!("there is no stack {}", place.stack)))
}

/// A dead-letter queue of a stack.
struct Queue<'s> {
    stack: &'s Stack,
    /// The function of the queue, or `forward`.
    name: String,
    url: &'s str,
}

fn queues<'s>(
    stacks: &'s [(&'s Place, Stack)],
    function: Option<&str>,
) -> Result<Vec<(&'s Place, Queue<'s>)>, Failure> {
    let mut all = Vec::new();
    for (place, stack) in stacks {
        for resource in stack.of_kind(QUEUE) {
            let name = queue_name(&stack.name, &resource.physical);
            all.push((*place, Queue { stack, name, url: &resource.physical }));
        }
    }
    let Some(function) = function else { return Ok(all) };
    let mut names: Vec<String> = all.iter().map(|(_, queue)| queue.name.clone()).collect();
    names.sort_unstable();
    names.dedup();
    all.retain(|(_, queue)| queue.name == function);
    if all.is_empty() {
        let names = names.join(", ");
        return Err(Failure::Input(format!(
            "there is no dead-letter queue of `{function}`; the queues are those of {names}"
        )));
    }
    Ok(all)
}

/// The outcome of a redrive of one message.
enum Outcome {
    Listed,
    Sent,
    /// The event was accepted, but the message could not be deleted. It will be delivered again, and is a duplicate
    /// then.
    SentNotDeleted(String),
    Kept(String),
}

impl Outcome {
    fn is_good(&self) -> bool {
        matches!(self, Self::Listed | Self::Sent)
    }
}

async fn listed(letters: &DeadLetters, queue: &str, letter: &Letter) -> Outcome {
    match letters.put_back(queue, letter).await {
        Ok(()) => Outcome::Listed,
        Err(error) => {
            Outcome::Kept(format!("it becomes visible only after {VISIBILITY_SECONDS} seconds: {error}"))
        }
    }
}

async fn send(place: &Place, letters: &DeadLetters, queue: &str, letter: &Letter, way: &Delivery) -> Outcome {
    let sent = match way {
        Delivery::Invoke { function, event } => {
            place.aws.functions().hand_over(function, event).await.map_err(|error| error.to_string())
        }
        Delivery::Put { bus, event } => {
            place.aws.rules().put_again(bus, event).await.map_err(|e| e.to_string())
        }
        Delivery::PublishAgain { function, event } => publish_again(place, function, event).await,
        Delivery::None { why } => return keep(letters, queue, letter, why.clone()).await,
    };
    match sent {
        Err(why) => keep(letters, queue, letter, why).await,
        Ok(()) => match letters.remove(queue, letter).await {
            Ok(()) => Outcome::Sent,
            Err(error) => Outcome::SentNotDeleted(error.to_string()),
        },
    }
}

async fn publish_again(place: &Place, function: &str, event: &Value) -> Result<(), String> {
    let question = json!({ "tidegate": "publish_again", "event": event });
    match place.aws.functions().ask(function, &question).await {
        Ok(Answer::Said(_)) => Ok(()),
        Ok(Answer::Failed(error)) => Err(error),
        Err(error) => Err(error.to_string()),
    }
}

async fn keep(letters: &DeadLetters, queue: &str, letter: &Letter, why: String) -> Outcome {
    // If the message cannot be released now, it becomes visible after the timeout.
    match letters.put_back(queue, letter).await {
        Ok(()) => Outcome::Kept(why),
        Err(error) => Outcome::Kept(format!("{why}; and: {error}")),
    }
}

fn tell(place: &Place, queue: &str, letter: &Letter, read: &ParsedMessage, outcome: &Outcome, json: bool) {
    let (style, word, problem) = match outcome {
        Outcome::Listed => (PLAIN, "listed", None),
        Outcome::Sent => (GOOD, "sent", None),
        Outcome::SentNotDeleted(why) => (WAITING, "sent_and_stays", Some(why)),
        Outcome::Kept(why) => (BAD, "kept", Some(why)),
    };
    if json {
        print_json(&as_json(place, queue, letter, read, (word, problem)).to_string());
        return;
    }
    let sent_at = letter.sent_at.map_or_else(|| "at an unknown time".to_owned(), time);
    print_line(&format!(
        "{} {}  {sent_at}  {}",
        paint(STRONG, &format!("{} {queue}", place.name)),
        paint(style, &word.replace('_', " ")),
        read.event.in_words(),
    ));
    let attempts = read.attempts.map(|attempts| format!(" after {attempts} attempts")).unwrap_or_default();
    print_line(&format!("    {}{attempts}: {}", read.failed, read.error));
    if let Some(problem) = problem {
        print_line(&format!("    {}", paint(style, problem)));
    }
    print_line(&paint(FAINT, &format!("    {}", read.way.in_words())));
}

fn as_json(
    place: &Place,
    queue: &str,
    letter: &Letter,
    read: &ParsedMessage,
    (outcome, problem): (&str, Option<&String>),
) -> Value {
    json!({
        "ledger": place.name, "queue": queue, "message": letter.id, "sent_at": letter.sent_at,
        "event": { "id": read.event.id, "source": read.event.source, "detail_type": read.event.detail_type },
        "failed": read.failed, "error": read.error, "attempts": read.attempts, "way": read.way.in_words(),
        "outcome": outcome, "problem": problem,
    })
}
